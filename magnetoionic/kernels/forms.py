"""The kinds of curves that the compiled updates know; apart from them, so that nobody loads numba for a number."""

LINEAR, EXPONENTIAL = 0, 1
