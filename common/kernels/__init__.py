"""How kernels are compiled and kept on disk, and what they are made of: vectors, mathematics, and random numbers."""
