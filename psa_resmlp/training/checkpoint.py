"""mnist_lkg.safetensors: the best network, the damaged copy that goes on, and where the trial stands.

Tensors are named lkg.<parameter> and active.<parameter>. The metadata holds meta_loop, bounty_percent, bounty_loop,
mode, architecture, family, dataset, trial, random_state (seed and streams' position), ablation, and history, a list of
all meta-loops, from which metrics.csv can be written again. Streams of random numbers are functions of the seed and the
meta-loop's number, so these two are the whole random state.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError
from common.inputs import shorten
from common.runs.files import atomic_writer
from psa_resmlp.scripts.clean import CHECKPOINT
from psa_resmlp.training.ablation import apply
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.job import Job

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "psa_resmlp 1"
KINDS = ("lkg", "active")


def path_of(folder: Path, trial: int, trials: int) -> Path:
    """Where a trial's checkpoint lies: in the model folder, or where there are several in trial_<number>/ of it."""
    return folder / CHECKPOINT if trials == 1 else folder / f"trial_{trial:02d}" / CHECKPOINT


def fresh_folder(models: Path, config: TrainConfig) -> Path:
    """Make a folder of its own below the model folder, such as 18x18_hidden_fresh-1, for a training that starts anew.

    Raises:
        InputError: it cannot be made.
    """
    for number in itertools.count(1):
        folder = models / f"{config.architecture.folder}_{config.ablation_mode}_fresh-{number}"
        try:
            folder.mkdir()  # of two that try, one gets the name
        except FileExistsError:
            continue
        except OSError as problem:
            raise InputError(f"model folder {shorten(folder)}: cannot be made ({problem.strerror})") from None
        return folder
    raise AssertionError("counting does not end")


def save(path: Path, job: Job, lkg: Mapping[str, Tensor], images: int) -> None:
    """Write the file, whole or not at all.

    Args:
        path: the file; its folder is made.
        job: where the trial stands.
        lkg: its best network, by parameter, on the CPU.
        images: number of validation images.
    """
    from safetensors.torch import save as to_bytes

    active = {name: tensor.clone() for name, tensor in lkg.items()}
    if job.ablation is not None:
        apply(job.ablation, active)
    tensors = {
        f"{kind}.{name}": value
        for kind, state in zip(KINDS, (lkg, active), strict=True)
        for name, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(path) as stream:
        stream.write(to_bytes(tensors, metadata(job, images)))


def metadata(job: Job, images: int) -> dict[str, str]:
    """The metadata of the file; safetensors allows strings only."""
    return {
        "format": FORMAT,
        "meta_loop": str(job.loop),
        "bounty_percent": repr(100 * job.bounty_hits / images),
        "bounty_loop": str(job.bounty_loop),
        "bounty_hits": str(job.bounty_hits),
        "mode": job.mode,
        "architecture": str(job.architecture),
        "family": job.config.family,
        "dataset": job.config.dataset,
        "trial": str(job.trial),
        "random_state": json.dumps({"seed": job.seed, "trial": job.trial, "meta_loop": job.loop}),
        "ablation": json.dumps(asdict(job.ablation) if job.ablation else None),
        "before": json.dumps(job.before),
        "history": json.dumps([astuple(loop) for loop in job.loops]),
    }
