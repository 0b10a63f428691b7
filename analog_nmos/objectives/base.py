"""The interface of an objective: for a sample its loss, whether it is skipped, how its scores are nudged, prediction.

A score is the voltage of an output, or between two of them; objectives know scores alone (`analog_nmos.readouts`).
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.split import Split
from analog_nmos.readouts import TIE_V, Answer, Highest, Readout, highest
from common.errors import InputError

__all__ = [
    "TIE_V",
    "BoolArray",
    "Evaluation",
    "FloatArray",
    "IntArray",
    "Measure",
    "Objective",
    "Readout",
    "SampleKernel",
    "Split",
    "highest",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

DIFFERENCE_V = 1e-5

# For inputs (samples, inputs) in volts of one replica's circuit its free scores (samples, scores) in volts, and how
# the operating points ended (samples,): see `analog_nmos.backends.base.Status`.
Measure = Callable[[FloatArray], tuple[FloatArray, IntArray]]


@dataclass(frozen=True)
class Evaluation:
    """Loss, prediction and nudges of B samples with S scores.

    Attributes:
        loss: shape (B,).
        prediction: class index, shape (B,); `readouts.answers.NO_CLASS` where the answer is no class.
        active: shape (B,); a sample that is not active is skipped, with no clamped phase and no update.
        target_V: shape (B, S), where a nudged score is to go. A single output is held there; of a pair both are moved
            by half of the way.
        clamped: shape (B, S), which scores are nudged; the outputs of the others stay free.
    """

    loss: FloatArray
    prediction: IntArray
    active: BoolArray
    target_V: FloatArray
    clamped: BoolArray


class SampleKernel(NamedTuple):
    """`Objective.evaluate` as a compiled function of one replica and one sample, with the same numbers.

    Attributes:
        evaluate: numba's, (score_V (S,), label, own, target_V (S,), clamped (S,)) -> (loss, prediction, active). It
            changes target_V, which comes as a copy of score_V, and clamped, all False, for the scores that are nudged;
            score_V stays as it is. The label is a class, or a row (S,) of values.
        own: what it takes as `own`, for each replica: a NamedTuple of its hyperparameters, and what else it needs.
    """

    evaluate: Callable[..., Any]
    own: Sequence[Any]


def loss_gradient(objective: Objective, out_V: FloatArray, label: NDArray[Any]) -> FloatArray:
    """`Objective.gradient`, or differences where a subclass changes `evaluate` and not `gradient`."""
    for kind in type(objective).__mro__:
        if "gradient" in vars(kind):
            return objective.gradient(out_V, label)
        if "evaluate" in vars(kind):
            break
    return Objective.gradient(objective, out_V, label)


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
        answers: kinds of answers that it can train for.
        published: settings under which scripts of the published programs know the objective, if they do.
    """

    loss_name: ClassVar[str]
    loss_label: ClassVar[str]
    skips_samples: ClassVar[bool] = False
    answers: ClassVar[tuple[type[Answer], ...]] = (Highest,)
    published: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def evaluate(self, out_V: FloatArray, label: NDArray[Any]) -> Evaluation:
        """Evaluate free scores (B, S) in volts against labels: one sample a replica, or many of one.

        Labels are classes (B,), or values (B, S) in volts.
        """

    def gradient(self, out_V: FloatArray, label: NDArray[Any]) -> FloatArray:
        """Derivatives of the loss by the scores, shape (B, S), in the loss's unit per V; arguments as in `evaluate`.

        Here by central differences of `evaluate`, whose loss must then be smooth: an objective may know better.
        """
        slope = np.empty(out_V.shape)
        for k in range(out_V.shape[1]):
            step_V = np.zeros(out_V.shape[1])
            step_V[k] = DIFFERENCE_V
            above, below = (self.evaluate(out_V + sign * step_V, label).loss for sign in (1.0, -1.0))
            slope[:, k] = (above - below) / (2.0 * DIFFERENCE_V)
        return slope

    def kernel(self) -> SampleKernel | None:
        """`evaluate`, compiled, as it is now: asked for in every epoch. None: `evaluate` itself is called.

        Not used where a subclass changes `evaluate` and not this.
        """
        return None

    @classmethod
    def of(cls, settings: Sequence[Mapping[str, float]], readout: Readout) -> Self:
        """The objective of replicas with these hyperparameters; see `analog_nmos.objectives.settings`.

        Args:
            settings: hyperparameters of each replica by name.
            readout: of their networks, for objectives that keep something of each class.
        """
        return cls(**{name: np.array([values[name] for values in settings]) for name in settings[0]})

    @classmethod
    def check_answer(cls, name: str, readout: Readout, data: str) -> None:
        """Raise InputError if the objective called `name` cannot train for what these scores answer."""
        if not isinstance(readout.answer, cls.answers):
            needs = " or ".join(kind.needs for kind in cls.answers)
            raise InputError(f"objective {name} needs {needs}; {data} has {readout.answer.needs}")

    def replica(self, row: int) -> Self:
        """The same for one replica alone, to evaluate many of its samples at once."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        own = {name: value[row : row + 1] for name, value in values.items() if np.ndim(value)}  # else a default
        return dataclasses.replace(self, **own)

    def begin_epoch(self, epoch: int, row: int, train: Split, measure: Measure) -> None:
        """Measure one replica's circuit before an epoch of training; most objectives need nothing here."""
        return

    def diagnostics(self, out_V: FloatArray, label: NDArray[Any]) -> dict[str, Any]:
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
