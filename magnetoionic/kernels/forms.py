"""The kinds of curves with compiled updates, in a separate file so that they are known without loading numba."""

LINEAR, EXPONENTIAL = 0, 1
