"""What an objective must say of a sample: its loss, whether it is skipped, the clamp targets, the prediction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.digits.data import Split

__all__ = ["BoolArray", "Evaluation", "FloatArray", "IntArray", "Measure", "Objective", "Split", "highest"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# For inputs (samples, inputs) in volts of one replica's circuit its free outputs (samples, outputs) in volts, and how
# the operating points ended (samples,): see `analog_nmos.backends.base.Status`.
Measure = Callable[[FloatArray], tuple[FloatArray, IntArray]]


# Outputs of a symmetric network are equal but for the last bits, which differ from solver to solver.
TIE_V = 1e-9


def highest(out_V: FloatArray) -> IntArray:
    """Index of the highest output of every sample (B, outputs); the first one where some differ by less than TIE_V."""
    index: IntArray = (out_V >= out_V.max(axis=1, keepdims=True) - TIE_V).argmax(axis=1)
    return index


@dataclass(frozen=True)
class Evaluation:
    """An objective's view of B samples.

    Attributes:
        loss: shape (B,).
        prediction: class index, shape (B,).
        active: shape (B,); a sample that is not active is skipped, with no clamped phase and no update.
        target_V: shape (B, outputs), where a clamped output is held.
        clamped: shape (B, outputs), which outputs are held; the others stay free.
    """

    loss: FloatArray
    prediction: IntArray
    active: BoolArray
    target_V: FloatArray
    clamped: BoolArray


class Objective(Protocol):
    """A learning rule's objective for L replicas, whose hyperparameters may differ."""

    loss_name: str  # in file names: 0_train_<loss_name>.npy
    loss_label: str  # on plots, with its unit
    skips_samples: bool  # whether a sample may be inactive

    @classmethod
    def of(cls, configs: Sequence[Any]) -> Self:
        """The objective of replicas with these configurations."""

    def replica(self, replica: int) -> Self:
        """The same for one replica alone, to evaluate many of its samples at once."""

    def begin_epoch(self, epoch: int, replica: int, train: Split, measure: Measure) -> None:
        """Look at one replica's circuit before an epoch of training; most objectives need nothing here."""

    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """Evaluate free outputs (B, outputs) in volts against labels (B,): one sample a replica, or many of one."""

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """More about a validation in JSON's types, by the names of 0_diag_epoch<n>.json."""

    def epoch_arrays(self, replica: int) -> dict[str, FloatArray]:
        """What one replica measured for the epoch, by its names in the run folder: 0_<name>_epoch<n>.npy."""

    def epoch_facts(self, replica: int) -> dict[str, dict[str, Any]]:
        """More about the epoch in JSON's types, likewise: 0_<name>_epoch<n>.json."""

    def recall(self, replica: int, arrays: Mapping[str, FloatArray]) -> None:
        """Take over what `epoch_arrays` gave in an earlier start, or in an earlier epoch."""
