"""Train a dense network of transistors on digits with class prototypes (`nmos-prototype`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.objectives.prototype import Prototype
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.rule import Rule
from common.cli import option

DESCRIPTION = """\
Train 640 transistors to read 8x8 digits by coupled learning towards class prototypes: epoch 1 clamps the outputs to a
one-hot target, later ones nudge them towards what the circuit gives for the mean digit of the class.

example: nmos-prototype 0 --epochs 10 --gamma 0.3 --delta 0.3 --body-tie floating --vg-init fixed --vg-init-fixed 4
"""


@dataclass(frozen=True, kw_only=True)
class PrototypeConfig(TrainerConfig):
    """Options of the prototype trainer."""

    delta: float = option(0.3, "nudge: outputs go this share of the way to the prototype (from epoch 2)", above=0.0)


RULE = Rule("nmos-prototype", "dense_trainer_avgappr", DESCRIPTION, PrototypeConfig, Prototype)
run, main = RULE.run, RULE.main

if __name__ == "__main__":
    sys.exit(main())
