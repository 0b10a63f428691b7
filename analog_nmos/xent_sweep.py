"""The published cross-entropy grid of `nmos-xent` (`nmos-xent-sweep`)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analog_nmos import sweep
from analog_nmos.dense_trainer_cross_entropy import RULE
from common.sweeps.axes import Axis
from common.sweeps.sweep import Sweep

DESCRIPTION = """\
Train over the published cross-entropy grid: 810 runs of 20 epochs. Starting it again goes on where it was.

example: nmos-xent-sweep --gamma 0.3 --delta 0.25,0.5 --softmax-temp 0.001 --sweep-dir results/small
         nmos-xent-sweep --dry-run
"""


def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """See `analog_nmos.sweep.train`."""
    return sweep.train(RULE, configs, folders)


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

SWEEP = Sweep(
    prog="nmos-xent-sweep",
    package="analog_nmos",
    name="xent_sweep",
    description=DESCRIPTION,
    config=RULE.config,
    axes=AXES,
    specs=sweep.cross_entropy_specs(RULE.config),
    function="analog_nmos.xent_sweep:train",
    lists=True,
    workers=10,
    replicas=sweep.LANES,
    short=sweep.short,
)
main = SWEEP.main

if __name__ == "__main__":
    sys.exit(main())
