"""Train a twin and test it.

    aanntwin --dataset_name digits --count_epoch 5 --training_nonidealities_input_noise 0.1

prints the average loss and the accuracy on the test images (MNIST with all defaults: 91.8 percent after one epoch, in
a few seconds). Weights of every epoch are cached, so the same command given again trains nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from aanntwin.plan import Plan, TwinConfig, TwinOptions
from common.experiment import Experiment, main_of, run_of, train_of
from common.runs import load_run, new_folder
from common.runs.folder import META

PACKAGE, JOB = "aanntwin", "train"
GONE = ("run_dir", "dry_run")
OPTIONS = TwinOptions()


def place(config: TwinConfig, run_dir: Path | None) -> Path:
    """A new run folder, or `run_dir` itself if it holds the same run, which is not running now.

    Raises:
        InputError: `run_dir` holds another run, or cannot be made.
    """
    if run_dir and (run_dir / META).is_file():
        record = load_run(run_dir)
        before = {**OPTIONS.recorded(TwinConfig()), **record.config}
        wanted = OPTIONS.recorded(config)
        local = {name for name, marks in OPTIONS.marks().items() if marks["local"]} | set(GONE)
        changed = {name for name in before | wanted if before.get(name) != wanted.get(name)} - local
        if record.status != "running" and not changed:
            return run_dir
    return new_folder(PACKAGE, JOB, config.seed, run_dir)


EXPERIMENT = Experiment(
    prog="aanntwin",
    package=PACKAGE,
    job=JOB,
    description="Train and test the digital twin of an analog convolutional network.",
    config=TwinConfig,
    open="aanntwin.twin_trainer:open_twin",
    estimate="aanntwin.estimate:describe",
    score="final_test_acc",
    place=place,
    gone=GONE,
    own_options=OPTIONS,
)
main, run, train = main_of(EXPERIMENT), run_of(EXPERIMENT), train_of(EXPERIMENT)

__all__ = ["EXPERIMENT", "Plan", "TwinConfig", "main", "run", "train"]

if __name__ == "__main__":
    sys.exit(main())
