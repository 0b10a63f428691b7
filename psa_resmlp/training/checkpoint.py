"""mnist_lkg.safetensors: the best network, the damaged copy that trains next, and the trial's history.

Tensors are named lkg.<parameter> and active.<parameter>. The metadata holds meta_loop, bounty_percent, bounty_loop,
mode, architecture, family, dataset, trial, random_state (seed and streams' position), ablation, and history, a list of
all meta-loops, from which metrics.csv can be written again. Streams of random numbers are functions of the seed and the
meta-loop's number, so these two are the whole random state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.runs.files import atomic_writer
from psa_resmlp.study.modes import get_mode
from psa_resmlp.training.replica import Replica

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "psa_resmlp 1"
KINDS = ("lkg", "active")


def save(path: Path, replica: Replica, lkg: Mapping[str, Tensor], images: int) -> None:
    """Write the file, whole or not at all.

    Args:
        path: the file; its folder is made.
        replica: the trial.
        lkg: its best network, by parameter, on the CPU.
        images: number of validation images.
    """
    from safetensors.torch import save as to_bytes

    active = {name: tensor.clone() for name, tensor in lkg.items()}
    replica.damage(active)
    tensors = {
        f"{kind}.{name}": value
        for kind, state in zip(KINDS, (lkg, active), strict=True)
        for name, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(path) as stream:
        stream.write(to_bytes(tensors, metadata(replica, images)))


def metadata(replica: Replica, images: int) -> dict[str, str]:
    """The metadata of the file; safetensors allows strings only."""
    return {
        "format": FORMAT,
        "meta_loop": str(replica.loop),
        "bounty_percent": repr(100 * replica.bounty_hits / images),
        "bounty_loop": str(replica.bounty_loop),
        "bounty_hits": str(replica.bounty_hits),
        "mode": replica.mode,
        "architecture": str(replica.architecture),
        "family": replica.config.family,
        "dataset": replica.config.dataset,
        "trial": str(replica.trial),
        "random_state": json.dumps({"seed": replica.seed, "trial": replica.trial, "meta_loop": replica.loop}),
        "ablation": json.dumps(_ablation(replica)),
        "before": json.dumps(replica.before),
        "history": json.dumps([astuple(loop) for loop in replica.loops]),
    }


def _ablation(replica: Replica) -> dict[str, Any] | None:
    if replica.damaged is None:
        return None
    column = get_mode(replica.loops[-1].mode).clears_column
    return {"layer": replica.damaged.layer, "neuron": replica.damaged.number, "clears_column": column}
