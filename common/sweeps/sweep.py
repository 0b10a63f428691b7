"""A published grid as a command."""

from __future__ import annotations

from collections.abc import Sequence

from common.sweeps.command import sweep_command
from common.sweeps.definition import Definition


class Sweep(Definition):
    """A published grid of one experiment; see `common.sweeps.definition.Definition` for what it is made of."""

    def main(self, argv: Sequence[str] | None = None) -> int:
        """The command; returns its exit code."""
        return sweep_command(self, argv)
