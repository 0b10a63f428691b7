"""Kernels that numba has compiled, kept on disk between processes."""
