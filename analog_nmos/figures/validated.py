"""The samples that a run validated, and what its network answered in each epoch that left its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.run_files import LeftOut, RunFiles

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Validated:
    """Samples of a run.

    Attributes:
        run: the run.
        x_V: input voltages (samples, inputs).
        y: (samples,) classes, or (samples, S) targets in volts.
        epochs: those with outputs, the earliest first.
    """

    run: RunFiles
    x_V: FloatArray
    y: NDArray[Any]
    epochs: list[int]

    def out_V(self, epoch: int) -> FloatArray:
        """Output voltages (samples, outputs) after an epoch, NaN where the operating point failed."""
        name = f"0_vout_{self.run.validated_part}_epoch{epoch}.npy"
        out_V: FloatArray = self.run.array(name)
        if out_V.ndim != 2 or len(out_V) != len(self.y):
            raise LeftOut(f"{name} has shape {out_V.shape}; there are {len(self.y)} samples")
        return out_V

    def scores_V(self, epoch: int) -> FloatArray:
        """Scores (samples, S) after an epoch, in volts."""
        return self.run.readout.scores_V(self.out_V(epoch))


def validated(run: RunFiles) -> Validated:
    """The samples that the run was validated on.

    Raises:
        LeftOut: they, or all outputs, are not in its folder.
    """
    part, epochs = run.validated_part, run.vout_epochs
    if not epochs:
        raise LeftOut(f"no outputs of the {run.validated_on} (0_vout_{part}_epoch<n>.npy)")
    return Validated(run, run.array(f"{part}_x.npy"), run.array(f"{part}_y.npy"), epochs)
