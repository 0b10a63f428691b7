"""Train a dense network of transistors on digits with softmax cross-entropy (`nmos-xent`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.digits.options import DigitsOptions
from analog_nmos.training.experiment import trainer_of
from common.cli import option
from common.experiment import main_of, run_of

DESCRIPTION = """\
Train 640 transistors to read 8x8 digits by coupled learning with softmax cross-entropy; all outputs are nudged.

example: nmos-xent 0 --epochs 10 --delta 0.25 --softmax-temp 0.001 --body-tie floating --vg-init fixed --vg-init-fixed 4
"""


@dataclass(frozen=True, kw_only=True)
class CrossEntropyConfig(DigitsOptions):
    """Options of the cross-entropy trainer."""

    job, trains = "dense_trainer_cross_entropy", "cross-entropy"

    softmax_temp: float = option(1.0, "temperature T of softmax(V / T)", unit="V", above=0.0)
    delta: float = option(0.3, "nudge: outputs are clamped to V + delta * (onehot - softmax)", unit="V", above=0.0)


EXPERIMENT = trainer_of("nmos-xent", DESCRIPTION, CrossEntropyConfig)
run, main = run_of(EXPERIMENT), main_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
