"""Train with the hinge objective and remove transistors that stay switched off (`nmos-auto-prune`)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from analog_nmos.dense_trainer import HingeConfig
from analog_nmos.training.experiment import trainer_of
from common.cli import option
from common.experiment import main_of, run_of

DESCRIPTION = """\
Train transistors to read 8x8 digits with the hinge objective, and remove those whose gate voltage stays below a cutoff.
The pruned network is saved as topology_final_pruned.npz in the run folder.

example: nmos-auto-prune 1 --epochs 64 --gamma 3 --delta 0.02 --body-tie floating --vg-init-lo 1 --vg-init-hi 6
         --vg-cutoff-ratio 1 --backend native    (571 of 640 transistors stay, give or take one)
"""


@dataclass(frozen=True, kw_only=True)
class AutoPruneConfig(HingeConfig):
    """Options of pruning."""

    job, prunes = "auto_prune_trainer", True

    vg_cutoff_epochs: int = option(4, "an edge is removed after this many consecutive epochs below the cutoff", low=1)
    vg_cutoff_ratio: float = option(
        0.8, "the cutoff, as a multiple of the model card's threshold voltage vto", above=0.0
    )


EXPERIMENT = trainer_of("nmos-auto-prune", DESCRIPTION, AutoPruneConfig)
run, main = run_of(EXPERIMENT), main_of(EXPERIMENT)

if __name__ == "__main__":
    sys.exit(main())
