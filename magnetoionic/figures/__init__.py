"""The figures of the suite, for the command `magnetoionic-figures`, the notebook, and run folders."""
