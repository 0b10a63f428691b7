"""What a solver of many transistors is asked for, besides the transistor itself."""

from __future__ import annotations

from typing import Any, NamedTuple


class Settings(NamedTuple):
    """Numbers of one solver, for its kernels.

    Attributes:
        tolerance_V: bound on the error of every free node.
        passes: Newton passes before source stepping; below 0 there are no others.
        free_S, clamp_S: series conductance of an output that is free, or clamped.
        vminus_V, vplus_V: rails.
        drives: 1 where clamped phases drive currents into outputs (clamp_S is then free_S), 0 where they set VOUT.
    """

    tolerance_V: Any
    passes: Any
    free_S: Any
    clamp_S: Any
    vminus_V: Any
    vplus_V: Any
    drives: Any

    @property
    def cold_V(self) -> float:
        """First guess of a free node's voltage."""
        return 0.5 * float(self.vminus_V + self.vplus_V)
