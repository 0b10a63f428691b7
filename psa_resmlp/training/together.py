"""Trials of one architecture and family side by side, each in a run folder of its own: what a sweep's worker does."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.devices import describe_device, resolve_device, set_threads
from common.errors import RunError
from common.runs import Run, StopSignals
from common.runs.files import append_line
from common.runs.run import LOG
from psa_resmlp.model.images import ImageSet, image_sets
from psa_resmlp.study.chain import described, is_chained
from psa_resmlp.study.data import load_study
from psa_resmlp.training import panels
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.model_folder import CHECKPOINT
from psa_resmlp.training.replica import Loop, Replica
from psa_resmlp.training.restore import check_beside
from psa_resmlp.training.session import Lane, Session, check_size, threads_for


def train_together(configs: Sequence[TrainConfig], folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Train every configuration's trial to meta-loop `meta_loops`, counted over all starts.

    Returns:
        For each: family, mode, seed, meta-loops, bounty and its loop, and test accuracy, for the sweep's table.
    """
    first = configs[0]
    check_size(first)
    check_beside(first, folders[0].parent)
    device = resolve_device(first.device)
    threads, workers = threads_for(first.architecture, first.threads or 1)
    set_threads(threads, libraries=("torch", "numba"))
    images = _images(first.dataset, first.data_root, str(device))
    facts = {"package": "psa_resmlp", "job": "sweep", "device": describe_device(device), "threads": threads}
    with StopSignals() as signals, contextlib.ExitStack() as stack:
        lanes = []
        for config, folder in zip(configs, folders, strict=True):
            kept = replace(config, arch=str(config.architecture), model_dir=folder)
            run = stack.enter_context(Run(folder, kept, signals, echo=None, facts=facts))
            replica = Replica(kept, kept.architecture, kept.first_trial, kept.seed or 0)
            lanes.append(Lane(replica, folder / CHECKPOINT, run, config.meta_loops))
        session = Session(lanes, images, device, threads=threads, workers=workers, stack=first.stack)
        for lane in lanes:
            if is_chained(lane.replica.chain, lane.replica.mode):
                raise RunError(f"{lane.path} is a chain of modes ({described(lane.replica.chain)}); remove it")
        session.train(functools.partial(_log, len(images[1])))
        tested = session.test()
        results = [_result(lane, tested[lane], len(images[1])) for lane in lanes]
        for lane, result in zip(lanes, results, strict=True):
            lane.run.note(result=result, stack=session.stack)
        return results


@functools.lru_cache(maxsize=1)
def _images(dataset: str, root: Path | None, device: str) -> tuple[ImageSet, ...]:
    """A worker's images, kept from task to task."""
    return image_sets(load_study(dataset, root), device)


def _log(images: int, lanes: Sequence[Lane], loops: Sequence[Loop]) -> None:
    for lane, loop in zip(lanes, loops, strict=True):
        append_line(lane.run.folder / LOG, panels.loop_line(lane.replica, loop, images))
        if note := panels.guessing_note(lane.replica, loop):
            append_line(lane.run.folder / LOG, note)


def _result(lane: Lane, test: float, images: int) -> dict[str, Any]:
    return {
        "family": lane.replica.config.family,
        "mode": lane.replica.mode,
        "trial_seed": lane.replica.seed,
        "loops": lane.replica.loop,
        "bounty_percent": 100 * lane.replica.bounty_hits / images,
        "bounty_loop": lane.replica.bounty_loop,
        "test_accuracy_percent": test,
    }
