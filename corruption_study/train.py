"""Train one network on corrupted images and test it on clean ones, as one run of a campaign does.

corruption-train --dataset digits --p 0.4 --epochs 10      # test accuracy about 0.9, a few seconds
"""

from __future__ import annotations

import sys

from common.experiment import Experiment, main_of, run_of
from corruption_study.config import TrainConfig

DESCRIPTION = """\
Train a classifier on corrupted images and test it on clean ones. corruption-run trains many, with several strengths and
activation functions.

example: corruption-train --dataset digits --p 0.4 --epochs 10
         corruption-train --resume results/corruption_study/latest
"""

EXPERIMENT = Experiment(
    prog="corruption-train",
    package="corruption_study",
    job="train",
    description=DESCRIPTION,
    config=TrainConfig,
    open="corruption_study.runs:open_runs",
    estimate="corruption_study.estimate:of_runs",
    score="final_test_acc",
    replicas={},
)
main, run = main_of(EXPERIMENT), run_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
