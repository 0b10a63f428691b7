"""Train classifiers whose weights are pairs of magneto-ionic devices (`magnetoionic-train`)."""

from __future__ import annotations

import sys

from common.experiment import Experiment, main_of, run_of
from magnetoionic.config import TrainConfig
from magnetoionic.outputs import new_simulation

DESCRIPTION = """\
Train ten models whose weights are pairs of magneto-ionic devices, test them, and test them again after field
relaxation. New simulations are written below simulations/ in the working folder.

example: magnetoionic-train --lr 1000 --var 0.2 --clipping 0.1 --resistor_noise 0.015
         About 97 % on MNIST after 20 epochs; a few minutes on two cores.
"""
EXPERIMENT = Experiment(
    prog="magnetoionic-train",
    package="magnetoionic",
    job="train",
    description=DESCRIPTION,
    config=TrainConfig,
    open="magnetoionic.simulation:open_simulation",
    estimate="magnetoionic.estimate:describe",
    score="final_test_acc",
    place=new_simulation,
)
main, run = main_of(EXPERIMENT), run_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
