"""How every suite runs: one command, one set of rules for resuming, one driver, one estimate.

    EXPERIMENT = Experiment(prog="my-train", package="my_suite", job="train", description="...", config=MyConfig,
                            open="my_suite.trainer:open_trainer", score="final_test_acc")
    main, run, train = main_of(EXPERIMENT), run_of(EXPERIMENT), train_of(EXPERIMENT)

`main` is the command, `run` trains from a notebook, `train` is what the workers of a sweep call. docs/extending.md
shows a whole suite.
"""

from common.experiment.command import main_of
from common.experiment.drive import drive, run_of
from common.experiment.estimate import Estimate, clock, seconds_of
from common.experiment.experiment import Experiment, Start, Trainer
from common.experiment.options import Options
from common.experiment.plots import plots_option
from common.experiment.sweep import sweep_of, train_of
from common.runs.result import Result

__all__ = [
    "Estimate",
    "Experiment",
    "Options",
    "Result",
    "Start",
    "Trainer",
    "clock",
    "drive",
    "main_of",
    "plots_option",
    "run_of",
    "seconds_of",
    "sweep_of",
    "train_of",
]
