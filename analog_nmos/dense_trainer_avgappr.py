"""Train a dense network of transistors on digits with class prototypes (`nmos-prototype`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.digits.options import DigitsOptions
from analog_nmos.training.experiment import trainer_of
from common.cli import option
from common.experiment import main_of, run_of

DESCRIPTION = """\
Train 640 transistors to read 8x8 digits by coupled learning towards class prototypes: epoch 1 clamps the outputs to a
one-hot target, later epochs nudge them towards the circuit's outputs for the mean image of the class.

example: nmos-prototype 0 --epochs 10 --gamma 0.3 --delta 0.3 --body-tie floating --vg-init fixed --vg-init-fixed 4
"""


@dataclass(frozen=True, kw_only=True)
class PrototypeConfig(DigitsOptions):
    """Options of the prototype trainer."""

    job, trains = "dense_trainer_avgappr", "prototype"

    delta: float = option(
        0.3, "nudge: outputs are clamped this fraction of the way to the prototype (from epoch 2)", above=0.0
    )


EXPERIMENT = trainer_of("nmos-prototype", DESCRIPTION, PrototypeConfig)
run, main = run_of(EXPERIMENT), main_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
