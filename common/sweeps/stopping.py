"""Signals to the launcher: the first one stops the sweep cleanly, the second ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from common.runs.signals import StopSignals


class Stopping(StopSignals):
    """Remembers the first signal while the block runs; the launcher checks `received` in every turn."""

    def __init__(self, prog: str) -> None:
        super().__init__(grace_s=0.0)
        self._prog = prog

    def at_once(self, number: int) -> None:
        """Say so in one line and end: local workers end by themselves then, and their runs go on from checkpoints."""
        line = f"{self._prog}: stopped at once by a second {signal.Signals(number).name}\n"
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), line.encode())
        os._exit(128 + number)
