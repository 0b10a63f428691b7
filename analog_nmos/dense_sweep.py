"""The published hinge grid of `nmos-dense` (`nmos-dense-sweep`)."""

from __future__ import annotations

import sys

from analog_nmos import sweep
from analog_nmos.dense_trainer import EXPERIMENT
from common.experiment import sweep_of, train_of

DESCRIPTION = """\
Train the dense network over the published hinge grid: 1458 runs of 100 epochs. Start it again to resume:
finished runs are skipped.

example: nmos-dense-sweep --gamma 0.3 --delta 0.02,0.05 --epochs 20 --sweep-dir results/small
         nmos-dense-sweep --dry-run
"""


train = train_of(EXPERIMENT)

SWEEP = sweep_of(
    EXPERIMENT,
    "dense_sweep",
    sweep.hinge_axes(),
    "analog_nmos.dense_sweep:train",
    description=DESCRIPTION,
    specs=sweep.hinge_specs(EXPERIMENT.config),
    replicas=sweep.REPLICAS,
    short=sweep.short,
)
main = SWEEP.main

if __name__ == "__main__":
    sys.exit(main())
