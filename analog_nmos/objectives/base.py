"""The interface of an objective: for a sample its loss, whether it is skipped, clamp targets, and prediction."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.split import Split

__all__ = [
    "BoolArray",
    "Evaluation",
    "FloatArray",
    "IntArray",
    "Measure",
    "Objective",
    "SampleKernel",
    "Split",
    "highest",
]

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
    """Loss, prediction and clamp targets of B samples.

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


class SampleKernel(NamedTuple):
    """`Objective.evaluate` as a compiled function of one replica and one sample, with the same numbers.

    Attributes:
        evaluate: numba's, (out_V (outputs,), label, own, target_V (outputs,), clamped (outputs,)) -> (loss, prediction,
            active). It changes target_V, which comes as a copy of out_V, and clamped, all False, for the outputs that
            are held; out_V stays as it is.
        own: what it takes as `own`, for each replica: a NamedTuple of its hyperparameters, and what else it needs.
    """

    evaluate: Callable[..., Any]
    own: Sequence[Any]


@dataclass(eq=False)
class Objective(ABC):
    """The objective of L replicas, whose hyperparameters may differ.

    A subclass is a dataclass with one array (L,) for each hyperparameter. One with the name of an option of the trainer
    (delta, margin) has that option's values. Any other is declared by `common.cli.option`, with its default
    and its range, and is set by --objective-options NAME=VALUE.

    Attributes:
        loss_name: in file names, e.g. 0_train_<loss_name>.npy; a Python identifier.
        loss_label: on plots, with its unit.
        skips_samples: whether a sample may be inactive.
        published: settings under which scripts of the published programs know the objective, if they do.
    """

    loss_name: ClassVar[str]
    loss_label: ClassVar[str]
    skips_samples: ClassVar[bool] = False
    published: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def evaluate(self, out_V: FloatArray, label: IntArray) -> Evaluation:
        """Evaluate free outputs (B, outputs) in volts against labels (B,): one sample a replica, or many of one."""

    def kernel(self) -> SampleKernel | None:
        """`evaluate`, compiled, as it is now: asked for in every epoch. None: `evaluate` itself is called.

        Not used where a subclass changes `evaluate` and not this.
        """
        return None

    @classmethod
    def of(cls, settings: Sequence[Mapping[str, float]], classes: int = 10) -> Self:
        """The objective of replicas with these hyperparameters; see `analog_nmos.objectives.settings`.

        Args:
            settings: hyperparameters of each replica by name.
            classes: how many there are, for objectives that keep something of each class.
        """
        return cls(**{name: np.array([values[name] for values in settings]) for name in settings[0]})

    def replica(self, row: int) -> Self:
        """The same for one replica alone, to evaluate many of its samples at once."""
        names = [field.name for field in dataclasses.fields(self)]
        return dataclasses.replace(self, **{name: getattr(self, name)[row : row + 1] for name in names})

    def begin_epoch(self, epoch: int, row: int, train: Split, measure: Measure) -> None:
        """Measure one replica's circuit before an epoch of training; most objectives need nothing here."""
        return

    def diagnostics(self, out_V: FloatArray, label: IntArray) -> dict[str, Any]:
        """More about a validation in JSON's types, by the names of 0_diag_epoch<n>.json."""
        return {}

    def epoch_arrays(self, row: int) -> dict[str, FloatArray]:
        """What one replica measured for the epoch, by its names in the run folder: 0_<name>_epoch<n>.npy."""
        return {}

    def epoch_facts(self, row: int) -> dict[str, dict[str, Any]]:
        """More about the epoch in JSON's types, likewise: 0_<name>_epoch<n>.json."""
        return {}

    def recall(self, row: int, arrays: Mapping[str, FloatArray]) -> None:
        """Restore what `epoch_arrays` returned in an earlier process or epoch."""
        return

    @classmethod
    def run_facts(cls, saved: str) -> dict[str, Any]:
        """More for run_meta.json, under published names; `saved` is the part whose outputs are saved, test or val."""
        return {"diagnostics": {"vout_saved": saved, "diode_source_to_vplus": False}}

    @classmethod
    def summary_facts(cls, epoch: int) -> dict[str, Any]:
        """More for 0_epoch_summary_epoch<n>.json, under published names."""
        return {}
