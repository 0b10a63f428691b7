"""Train a dense network of transistors on digits with softmax cross-entropy (`nmos-xent`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.objectives.cross_entropy import CrossEntropy
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.rule import Rule
from common.cli import option

DESCRIPTION = """\
Train 640 transistors to read 8x8 digits by coupled learning with softmax cross-entropy; all outputs are nudged.

example: nmos-xent 0 --epochs 10 --delta 0.25 --softmax-temp 0.001 --body-tie floating --vg-init fixed --vg-init-fixed 4
"""


@dataclass(frozen=True, kw_only=True)
class CrossEntropyConfig(TrainerConfig):
    """Options of the cross-entropy trainer."""

    softmax_temp: float = option(1.0, "temperature T of softmax(V / T)", unit="V", above=0.0)
    delta: float = option(0.3, "nudge: outputs go to V + delta * (onehot - softmax)", unit="V", above=0.0)


RULE = Rule("nmos-xent", "dense_trainer_cross_entropy", DESCRIPTION, CrossEntropyConfig, CrossEntropy)
run, main = RULE.run, RULE.main

if __name__ == "__main__":
    sys.exit(main())
