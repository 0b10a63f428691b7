"""Compiled kernels: how numba compiles them, where they are kept, and the random numbers that several suites draw."""
