"""Train a dense network of transistors on digits with the hinge or another objective (`nmos-dense`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.digits.options import DigitsOptions
from analog_nmos.objectives import OBJECTIVES
from analog_nmos.objectives.settings import hyperparameters, objective_class
from analog_nmos.training.experiment import trainer_of
from common.cli import option
from common.experiment import main_of, run_of

DESCRIPTION = """\
Train 640 transistors to read 8x8 digits by coupled learning with the hinge objective, or an objective of your own.

example: nmos-dense 1 --epochs 10 --gamma 0.3 --delta 0.1 --body-tie floating --vg-init fixed --vg-init-fixed 4
"""


@dataclass(frozen=True, kw_only=True)
class HingeConfig(DigitsOptions):
    """Options of the hinge trainer."""

    job = "dense_trainer"

    margin: float = option(
        0.02, "a sample trains if its label's output is less than this above the best other one", unit="V", low=0.0
    )
    delta: float = option(
        0.05, "nudge: half of it raises the label's output, half lowers the best other one", unit="V", above=0.0
    )
    objective: str = option("hinge", "loss, and which outputs are nudged where", choices=OBJECTIVES)
    objective_options: str = option("", "further hyperparameters of --objective: NAME=VALUE, separated by spaces")

    @property
    def trains(self) -> str:
        """See `TrainerConfig.trains`."""
        return self.objective

    def check(self) -> None:
        """Raise InputError where options contradict each other or do not fit the objective."""
        super().check()
        hyperparameters(objective_class(self.objective), self)


EXPERIMENT = trainer_of("nmos-dense", DESCRIPTION, HingeConfig)
run, main = run_of(EXPERIMENT), main_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
