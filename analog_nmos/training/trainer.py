"""From configurations to finished run folders: check everything, claim the folders, train, finish."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.digits.data import N_CLASSES, N_PIXELS, load_digits
from analog_nmos.topology import Topology, find_topology, shipped
from analog_nmos.training import record
from analog_nmos.training.checkpoint import NAME as CHECKPOINT
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.pruning import below_cutoff, check_threshold
from analog_nmos.training.published import run_facts
from analog_nmos.training.replica import Replica, new_replica
from analog_nmos.training.rule import Rule
from analog_nmos.training.session import Job, Session
from analog_nmos.training.summary import finish
from common.cli import check
from common.errors import InputError, RunError
from common.progress import Progress
from common.runs import Run, StopSignals, new_folder
from common.runs.folder import META
from common.runs.read import read_meta

PACKAGE = "analog_nmos"
RunDirs = Sequence[str | Path | None] | Callable[[], Sequence[str | Path | None]]
# Replicas share one clock, one circuit description and one set of sample numbers.
SHARED = (
    *("epochs", "topology", "model_card", "backend", "train_limit", "test_limit", "val_split"),
    *(field.name for field in dataclasses.fields(CircuitOptions)),
)


def run_replicas(
    rule: Rule[Any], configs: Sequence[TrainerConfig], run_dirs: RunDirs, *, resume: bool = False
) -> list[Path]:
    """Train networks side by side in this process, each with the numbers that it would have alone; returns the folders.

    The configurations may differ in seed and hyperparameters, not in what SHARED names. A replica that fails is marked
    as failed and the others go on; RunError then names it at the end. `run_dirs` may be a function that gives the
    folders, called when all else is checked. See `Rule.run` for the rest.
    """
    _check_replicas(configs)
    given = run_dirs if resume and not callable(run_dirs) else [None] * len(configs)
    earlier = [Path(folder) if folder else None for folder in given]
    card = _shared_card(configs, earlier)
    if rule.prune is below_cutoff:
        check_threshold(card)
    replicas = [load_replica(config, folder) for config, folder in zip(configs, earlier, strict=True)]
    version = _solver_version(replicas, earlier, card)
    about = [_facts(rule, replica, version, card, folder) for replica, folder in zip(replicas, earlier, strict=True)]
    wanted = run_dirs() if callable(run_dirs) else run_dirs
    folders = [
        Path(run_dir) if resume and run_dir else new_folder(PACKAGE, rule.job, config.seed, run_dir)
        for config, run_dir in zip(configs, wanted, strict=True)
    ]
    quiet = configs[0].quiet
    samples = sum(replica.config.epochs * len(replica.data.train.y) for replica in replicas)
    with StopSignals() as signals, Progress(samples, quiet=quiet) as progress, contextlib.ExitStack() as stack:
        jobs = []
        for replica, folder, facts in zip(replicas, folders, about, strict=True):
            run = Run(folder, replica.config, signals, echo=None if quiet else progress.echo, facts=facts)
            jobs.append(Job(replica, stack.enter_context(run)))
        objective = rule.objective.of(configs)
        session = Session(jobs, objective, rule.prune, card)
        session.train(progress)
        for row, job in enumerate(jobs):
            if job.failure is None:
                finish(job, card, objective.epoch_arrays(row).keys(), functools.partial(session.evaluate, row))
                job.run.finish()
        failures = [f"{job.run.folder}: {job.failure}" for job in jobs if job.failure]
        if failures:
            raise RunError("; ".join(failures))
    return folders


def load_card(config: TrainerConfig, folder: str | Path | None = None) -> ModelCard:
    """The model card of a configuration, or the copy in a run folder."""
    return read_model_card(_copy(folder, record.CARD) or config.model_card or default_card_path())


def load_replica(config: TrainerConfig, folder: str | Path | None = None) -> Replica:
    """A replica before its first epoch, with the topology of its configuration or the copy in a run folder.

    Raises:
        InputError: the topology does not fit the digits, or the data cannot be split so.
    """
    path = _copy(folder, record.TOPOLOGY) or config.topology
    topology = find_topology(path) if path else shipped()
    _check_topology(path, topology)
    data = load_digits(
        config.seed,
        config.input_vmin,
        config.input_vmax,
        val_split=config.val_split,
        train_limit=config.train_limit,
        test_limit=config.test_limit,
    )
    return new_replica(config, data, topology)


def replica_folders(rule: Rule[Any], replicas: int, run_dir: str | Path | None) -> list[Path]:
    """Paths lane_0000, ... inside one new folder."""
    parent = new_folder(PACKAGE, f"{rule.job}_lanes", 0, run_dir)
    return [parent / f"lane_{index:04d}" for index in range(replicas)]


def _copy(folder: str | Path | None, name: str) -> Path | None:
    """A file of a run folder, if it got so far before it was stopped."""
    if not folder:
        return None
    path = Path(folder) / name
    if path.exists():
        return path
    if (Path(folder) / CHECKPOINT).exists():  # the settings may name another file by now
        raise InputError(f"run folder {folder}: {name}, which its checkpoint belongs to, is missing")
    return None


def _shared_card(configs: Sequence[TrainerConfig], folders: Sequence[Path | None]) -> ModelCard:
    """The model card of all replicas; one file's content may have changed between the starts of two runs."""
    cards = [load_card(config, folder) for config, folder in zip(configs, folders, strict=True)]
    for card in cards:
        if (card.model, card.instance) != (cards[0].model, cards[0].instance):
            raise InputError(f"replicas must share the model card: {card.path} differs from {cards[0].path}")
    return cards[0]


def _solver_version(replicas: Sequence[Replica], folders: Sequence[Path | None], card: ModelCard) -> str:
    """Build the circuits once, to see that they can be, before a run folder is touched."""
    with contextlib.closing(Circuits.at_checkpoints(replicas, folders, card)[0]) as circuits:
        return circuits.backend.version


def _check_topology(path: Path | None, topology: Topology) -> None:
    for name, count, needed in (("inputs", topology.n_inputs, N_PIXELS), ("outputs", topology.n_outputs, N_CLASSES)):
        if count != needed:
            raise InputError(f"topology {path} has {count} {name}; the digits need {needed}")


def _check_replicas(configs: Sequence[TrainerConfig]) -> None:
    for config in configs:
        check(config)
        for name in SHARED:
            if getattr(config, name) != getattr(configs[0], name):
                raise InputError(
                    f"replicas must share {name}: {getattr(config, name)} differs from {getattr(configs[0], name)}"
                )


def _facts(rule: Rule[Any], replica: Replica, version: str, card: ModelCard, folder: Path | None) -> dict[str, Any]:
    """What run_meta.json holds besides the configuration."""
    published = run_facts(replica.config, replica, card, rule.job)
    shape = {"inputs": replica.start.n_inputs, "outputs": replica.start.n_outputs}
    begun = read_meta(folder).get("timestamp") if folder and (folder / META).exists() else None
    return {
        "package": PACKAGE,
        "job": rule.job,
        "timestamp": begun or datetime.now(UTC).isoformat(timespec="seconds"),
        "backend_version": version,
        **published,
        "topology": {**shape, **published["topology"]},
        "model_card": {"model": card.model, "instance": card.instance},
        "samples": {
            "train": len(replica.data.train.y),
            "val": len(replica.data.val.y),
            "test": len(replica.data.test.y),
        },
        "validated_on": "test set" if replica.data.validates_on_test else "validation split",
    }
