"""The published cross-entropy grid of `nmos-xent` (`nmos-xent-sweep`)."""

from __future__ import annotations

import sys

from analog_nmos import sweep
from analog_nmos.dense_trainer_cross_entropy import EXPERIMENT
from common.experiment import sweep_of, train_of
from common.sweeps.axes import Axis

DESCRIPTION = """\
Train over the published cross-entropy grid: 810 runs of 20 epochs. Start it again to resume: finished runs are skipped.

example: nmos-xent-sweep --gamma 0.3 --delta 0.25,0.5 --softmax-temp 0.001 --sweep-dir results/small
         nmos-xent-sweep --dry-run
"""


train = train_of(EXPERIMENT)

AXES = (
    Axis("seed", (0,)),
    Axis("gamma", sweep.GAMMAS),
    Axis("delta", (0.25, 0.5, 0.75)),
    Axis("softmax_temp", (0.0005, 0.001, 0.005, 0.01, 0.05)),
    Axis("body_tie", sweep.TIES),
    sweep.gates(),
    Axis("epochs", (20,)),
    Axis("backend", ("native",)),
)

SWEEP = sweep_of(
    EXPERIMENT,
    "xent_sweep",
    AXES,
    "analog_nmos.xent_sweep:train",
    description=DESCRIPTION,
    specs=sweep.cross_entropy_specs(EXPERIMENT.config),
    replicas=sweep.REPLICAS,
    short=sweep.short,
)
main = SWEEP.main

if __name__ == "__main__":
    sys.exit(main())
