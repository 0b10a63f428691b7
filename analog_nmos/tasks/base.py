"""The interface of a task: its options with its own defaults, its data, and its network."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends import BACKENDS
from analog_nmos.chips.options import ChipOptions
from analog_nmos.data.split import DIGEST, Data
from analog_nmos.energy.options import EnergyOptions
from analog_nmos.objectives import OBJECTIVES
from analog_nmos.objectives.settings import hyperparameters, objective_class
from analog_nmos.rules.options import RuleOptions
from analog_nmos.training.config import VOLT, TrainerConfig
from analog_nmos.training.damage_options import DamageOptions
from common.cli import option, refuse

NOT_IN_ALL = ("margin", "softmax_temp", "nudge", "one_hot")  # options that some objectives do not have
# Options in which networks that train together may differ: their numbers, not their circuits, samples or read-outs.
# (The objective, which all have in common, is compared as `trains`.)
OF_EACH = (
    *("seed", "snapshot_every", "order", "gamma", "input_vmin", "input_vmax"),
    *("vg_init", "vg_init_lo", "vg_init_hi", "vg_init_fixed"),
    *("objective", "objective_options", "delta", *NOT_IN_ALL),
    *(field.name for field in dataclasses.fields(ChipOptions) if field.name != "test_temp"),
    *(field.name for field in dataclasses.fields(RuleOptions)),
    *(field.name for field in dataclasses.fields(DamageOptions)),
    *(field.name for field in dataclasses.fields(EnergyOptions)),
)


@dataclass(frozen=True, kw_only=True)
class Task(TrainerConfig):
    """Objective

    A task is a frozen dataclass whose fields are the options of its `nmos-train`; those that only have another default
    are set by `preset`. It brings `load` and `network`; `analog_nmos.tasks.table` has both for rows of numbers. The
    first line of its docstring is what --help says of it. `Data.read` says how its network is read.
    """

    word: ClassVar[str] = ""  # of `nmos-train`; a user's own tasks have none
    script: ClassVar[str] = "train"

    objective: str = option("hinge", "loss, and which outputs are nudged where", choices=OBJECTIVES)
    objective_options: str = option("", "further hyperparameters of --objective: NAME=VALUE, separated by spaces")
    margin: float = option(
        0.02, "hinge: a sample trains if its class's output leads the best other one by less", unit="V", low=0.0
    )
    delta: float = option(
        0.05,
        "nudge: volts with hinge and cross-entropy, a share of the way with mse (eta) and prototype",
        above=0.0,
        also=("eta",),
    )
    nudge: float | None = option(
        None,
        "hinge, cross-entropy: share of delta by which a score moves: 0.5 for half, 1 for the whole (default: 0.5 with "
        "hinge, 1 with cross-entropy)",
        above=0.0,
        high=10.0,
    )
    softmax_temp: float = option(0.02, "cross-entropy: temperature T of softmax(V / T)", unit="V", above=0.0)
    one_hot: float = option(1.0, "mse: aim of the score of the right class; those of the others aim at 0", **VOLT)
    order: str = option("shuffled", "samples in an epoch", choices=("shuffled", "fixed"))
    backend: str = option("native", "circuit solver", choices=BACKENDS)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.job = f"train_{vars(cls).get('word') or cls.__name__}".replace("-", "_")

    @classmethod
    def name(cls) -> str:
        """What `nmos-train` calls it: a word, or package.module:Name."""
        return vars(cls).get("word") or f"{cls.__module__}:{cls.__qualname__}"

    @classmethod
    def shared(cls) -> list[str]:
        """Those of its options that networks must share to train together: also all that a task has of its own.

        What such an option changes, a number of samples or nodes or how outputs are read, the task alone knows.
        """
        shared = super().shared()
        rest = (field for field in dataclasses.fields(cls) if field.name not in (*shared, *OF_EACH))
        return [*shared, *(field.name for field in rest if not field.metadata["local"])]

    @property
    def trains(self) -> str:
        """See `TrainerConfig.trains`."""
        return self.objective

    def epoch_order(self, rng: np.random.RandomState, epoch: int, samples: int) -> NDArray[np.int64]:
        """See `TrainerConfig.epoch_order`."""
        return np.arange(samples) if self.order == "fixed" else super().epoch_order(rng, epoch, samples)

    def facts(self, data: Data) -> dict[str, Any]:
        """The task, the names of its classes, how its network is read, and a digest.

        By the digest a later start sees that its samples are the same.
        """
        facts = {"task": self.name(), "classes": list(data.classes), "readout": data.readout.facts()}
        return {**facts, DIGEST: data.digest()}

    def check(self) -> None:
        """Raise InputError where options contradict each other or do not fit the objective."""
        super().check()
        kind = objective_class(self.objective)
        hyperparameters(kind, self)
        used = {field.name for field in dataclasses.fields(kind)}
        for name in NOT_IN_ALL:
            if name not in used:
                self.refuse(name, f"is no option of the objective {self.objective}")

    def refuse(self, name: str, reason: str) -> None:
        """See `common.cli.refuse`."""
        refuse(self, name, reason)


def preset(kind: type[Any], name: str, value: Any) -> Any:
    """A field that differs from the option of that name in the dataclass `kind` in its default alone."""
    [field] = [field for field in dataclasses.fields(kind) if field.name == name]
    return dataclasses.field(default=value, metadata=field.metadata)
