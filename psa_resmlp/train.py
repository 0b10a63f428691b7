"""Train ResMLP or plain MLP networks with persistent stochastic ablation (`psa-train`)."""

from __future__ import annotations

import sys

from common.experiment import Experiment, main_of, run_of
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.run_folder import JOB, PACKAGE, run_folder

DESCRIPTION = """\
Train one architecture in one mode: rounds of one epoch, each from the best network so far, which the mode may damage.
The same command goes on from the checkpoint in the model folder, even in another mode. Ctrl-C stops the training and
reports the test accuracy.

example: psa-train --arch "[18*18]" --ablation-mode hidden --meta-loops 20 --trials 5
         psa-train --arch "[2*8]" --meta-loops 3 --dataset digits        seconds, needs no download

To compare modes, start each from the same initial network, not from the result of another mode: use --fresh, a separate
--model-dir for each, or psa-sweep, which does this automatically. A chain of modes is named in the first line and in
run_meta.json, and tables and figures leave it out.
         psa-train --arch "[18*18]" --ablation-mode none --meta-loops 20 --fresh
         psa-train --arch "[18*18]" --ablation-mode hidden --meta-loops 20 --fresh
"""
EXPERIMENT = Experiment(
    prog="psa-train",
    package=PACKAGE,
    job=JOB,
    description=DESCRIPTION,
    config=TrainConfig,
    open="psa_resmlp.training.trainer:open_training",
    estimate="psa_resmlp.training.estimate:of_training",
    score="selected_val_acc",
    place=run_folder,
)
main, run = main_of(EXPERIMENT), run_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
