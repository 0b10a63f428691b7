"""What a start of psa-train goes on from, found before anything is written: checkpoints, their modes, the last loop."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from psa_resmlp.study.chain import ADVICE, UNKNOWN, Chain, described, is_chain, is_chained, leads_on
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.model_folder import path_of
from psa_resmlp.training.replica import Replica
from psa_resmlp.training.restore import load


@dataclass(frozen=True)
class Standing:
    """Where a trial stands before a start.

    Attributes:
        trial: its number.
        path: its checkpoint.
        chain: what it has been through; empty without a checkpoint.
        last: the meta-loop after which this start ends.
    """

    trial: int
    path: Path
    chain: Chain
    last: int


def standings(config: TrainConfig, before: Mapping[str, Any]) -> list[Standing]:
    """Where every trial stands.

    Args:
        config: with its model folder.
        before: run_meta.json of the run that goes on; empty for a new one.

    Raises:
        InputError: a checkpoint is damaged or another network's, or another run has trained it on.
    """
    return [_standing(config, trial, before) for trial in range(config.first_trial, config.first_trial + config.trials)]


def facts_of(every: Sequence[Standing], before: Mapping[str, Any]) -> dict[str, Any]:
    """What run_meta.json keeps of them: the last meta-loops, and the chains now and at the run's first start."""
    chains = {str(one.trial): one.chain for one in every}
    return {
        "last_meta_loop": {str(one.trial): one.last for one in every},
        "goes_on_from": before.get("goes_on_from", chains),
        "chain": chains,
    }


def lines(config: TrainConfig, every: Sequence[Standing]) -> list[str]:
    """What is said first: where each trial goes on, and whether that makes a chain of modes."""
    said: dict[str, list[Standing]] = {}
    for one in every:
        said.setdefault(described(one.chain), []).append(one)
    found = [_line(config, text, some) for text, some in said.items()]
    if any(is_chained(one.chain, config.ablation_mode) for one in every):
        found.append(f"note: this makes a chain of modes, which tables and figures leave out; {ADVICE}")
    return found


def _line(config: TrainConfig, been: str, some: Sequence[Standing]) -> str:
    numbers = ", ".join(str(one.trial) for one in some)
    whose = f"trial {numbers}: " if config.trials > 1 else ""
    file = some[0].path.relative_to(some[0].path.parents[config.trials > 1])
    more = " and others" * (len(some) > 1)
    place = f"architecture {config.architecture}, folder {config.model_dir}, checkpoint {file}{more}"
    if not been:
        return f"{whose}starts anew in mode {config.ablation_mode}, {place}"
    return f"{whose}goes on from mode {been}, {place}; now in mode {config.ablation_mode}"


def _standing(config: TrainConfig, trial: int, before: Mapping[str, Any]) -> Standing:
    assert config.model_dir is not None
    replica = Replica(config, config.architecture, trial, config.seed or 0)
    path = path_of(config.model_dir, trial, config.trials)
    stored = load(path, replica)
    unknown: Chain = [{"mode": UNKNOWN, "meta_loops": None}]
    chain = unknown if stored is not None and not stored.known else replica.chain
    if not before:
        return Standing(trial, path, chain, min(replica.loop + config.meta_loops, config.until_loop or sys.maxsize))
    last, first = _ends(trial, before)
    if replica.loop > last or not leads_on(first, chain, config.ablation_mode):
        raise InputError(_moved(path, chain, first, last))
    return Standing(trial, path, chain, last)


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
        f"checkpoint {path} is not this run's any more: it has been through {been}, and the run went {begun}to "
        f"meta-loop {last}; start a new run, or name the folder of its checkpoint with --model-dir"
    )
