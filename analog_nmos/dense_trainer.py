"""Train a dense network of transistors on digits with the hinge objective (`nmos-dense`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.objectives.hinge import Hinge
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.rule import Rule
from common.cli import option

DESCRIPTION = """\
Train 640 transistors to read 8x8 digits by coupled learning with a hinge objective.

example: nmos-dense 1 --epochs 10 --gamma 0.3 --delta 0.1 --body-tie floating --vg-init fixed --vg-init-fixed 4
"""


@dataclass(frozen=True, kw_only=True)
class HingeConfig(TrainerConfig):
    """Options of the hinge trainer."""

    margin: float = option(
        0.02, "gap between the label's output and the best other one below which a sample trains", unit="V", low=0.0
    )
    delta: float = option(
        0.05, "nudge: the label's output goes up and its best rival down by half of it", unit="V", above=0.0
    )


RULE = Rule("nmos-dense", "dense_trainer", DESCRIPTION, HingeConfig, Hinge)
run, main = RULE.run, RULE.main

if __name__ == "__main__":
    sys.exit(main())
