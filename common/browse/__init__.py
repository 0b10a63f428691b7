"""Show what is on disk: `nonideal table`, `nonideal runs`, `nonideal show`, for the runs of any suite."""

from common.browse.command import main

__all__ = ["main"]
