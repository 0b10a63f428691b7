"""What a training goes on from, read before anything is written: checkpoints, their modes, and the last meta-loop."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from psa_resmlp.study.chain import ADVICE, Chain, described, is_chain, is_chained, leads_on
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.model_folder import path_of
from psa_resmlp.training.replica import Replica
from psa_resmlp.training.restore import Stored, load


@dataclass(eq=False)
class Course:
    """A trial from its checkpoint to the meta-loop after which this run ends.

    Attributes:
        replica: its settings and its history.
        path: its checkpoint.
        run: the number of its run among those trained together; several trials may share one.
        last: the meta-loop after which it ends.
        stored: what the checkpoint held; None if there was none.
    """

    replica: Replica
    path: Path
    run: int
    last: int
    stored: Stored | None = None

    @property
    def chain(self) -> Chain:
        """The modes that it has been trained in; empty without a checkpoint."""
        return self.replica.chain

    @property
    def over(self) -> bool:
        """Whether all its meta-loops are trained."""
        return self.replica.loop >= self.last


def courses(config: TrainConfig, before: Mapping[str, Any], run: int = 0) -> list[Course]:
    """All trials of a run.

    Args:
        config: the options, with the model folder set.
        before: run_meta.json of a resumed run; empty for a new one.
        run: the run's number among those trained together.

    Raises:
        InputError: a checkpoint is damaged or of another network, or another run has continued it.
    """
    return [_course(config, number, before, run) for number in config.numbers]


def facts_of(every: Sequence[Course], before: Mapping[str, Any]) -> dict[str, Any]:
    """Entries of run_meta.json: the last meta-loops, and the chains now and at the run's first start."""
    chains = {str(one.replica.trial): one.chain for one in every}
    return {
        "last_meta_loop": {str(one.replica.trial): one.last for one in every},
        "goes_on_from": before.get("goes_on_from", chains),
        "chain": chains,
    }


def lines(config: TrainConfig, every: Sequence[Course]) -> list[str]:
    """The first lines of the log: what each trial goes on from, and whether that makes a chain of modes."""
    same: dict[str, list[Course]] = {}
    for one in every:
        same.setdefault(described(one.chain), []).append(one)
    found = [_line(config, text, some) for text, some in same.items()]
    if any(is_chained(one.chain, config.ablation_mode) for one in every):
        found.append(f"note: this makes a chain of modes, which tables and figures leave out; {ADVICE}")
    return found


def _line(config: TrainConfig, been: str, some: Sequence[Course]) -> str:
    numbers = ", ".join(str(one.replica.trial) for one in some)
    whose = f"trial {numbers}: " if config.trials > 1 else ""
    file = some[0].path.relative_to(some[0].path.parents[config.trials > 1])
    more = " and others" * (len(some) > 1)
    place = f"architecture {config.architecture}, folder {config.model_dir}, checkpoint {file}{more}"
    if not been:
        return f"{whose}starts anew in mode {config.ablation_mode}, {place}"
    return f"{whose}goes on from mode {been}, {place}; now in mode {config.ablation_mode}"


def _course(config: TrainConfig, trial: int, before: Mapping[str, Any], run: int) -> Course:
    assert config.model_dir is not None
    replica = Replica(config, config.architecture, trial, config.seed or 0)
    path = path_of(config.model_dir, trial, config.trials)
    stored = load(path, replica)
    if stored is not None and not stored.known:
        replica.before = (0, 0, 0)  # its bounty is measured when the images are there
    if not before:
        last = min(replica.loop + config.meta_loops, config.until_loop or sys.maxsize)
        return Course(replica, path, run, last, stored)
    last, first = _ends(trial, before)
    if replica.loop > last or not leads_on(first, replica.chain, config.ablation_mode):
        raise InputError(_moved(path, replica.chain, first, last))
    return Course(replica, path, run, last, stored)


def _ends(trial: int, before: Mapping[str, Any]) -> tuple[int, Chain]:
    """The trial's last meta-loop and its chain at the first start; runs of earlier versions do not know the latter."""
    try:
        last, first = before["last_meta_loop"][str(trial)], before.get("goes_on_from", {}).get(str(trial), [])
    except (KeyError, TypeError, AttributeError):
        last, first = None, []
    if type(last) is not int or not is_chain(first):
        raise InputError(f"run_meta.json is damaged: it does not say where trial {trial} begins and ends")
    return last, first


def _moved(path: Path, chain: Chain, first: Chain, last: int) -> str:
    begun, been = f"from {described(first)} " if first else "", described(chain) or "nothing"
    return (
        f"checkpoint {path} is no longer that of this run: it was trained in {been}, and the run goes {begun}to "
        f"meta-loop {last}; start a new run, or name the folder of its checkpoint with --model-dir"
    )
