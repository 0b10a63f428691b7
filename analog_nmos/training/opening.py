"""From configurations to replicas: the model card, the topology and the data of each, loaded and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.chips import load_chip
from analog_nmos.data.split import DIGEST, Data
from analog_nmos.topology import Topology, find_topology
from analog_nmos.topology.graph import out_of_reach
from analog_nmos.training import record
from analog_nmos.training.checkpoint import NAME as CHECKPOINT
from analog_nmos.training.config import ALIKE, TrainerConfig
from analog_nmos.training.damage_plan import damage_plan
from analog_nmos.training.reach import check_targets
from analog_nmos.training.replica import Replica, new_replica
from common.errors import InputError

SHOWN = 12  # outputs that a message names


def check_shared(configs: Sequence[TrainerConfig]) -> None:
    """Raise InputError if networks that are to train together differ in what they must share."""
    for name in (*configs[0].shared(), *ALIKE):
        values = [getattr(config, name) for config in configs]
        for value in values:
            if value != values[0]:
                what = ALIKE.get(name, name)
                raise InputError(f"replicas must share {what}: {value} differs from {values[0]}")


def load_card(config: TrainerConfig, folder: str | Path | None = None) -> ModelCard:
    """The model card of a configuration, or the copy in a run folder."""
    return read_model_card(_copy(folder, record.CARD) or config.model_card or default_card_path())


def shared_card(configs: Sequence[TrainerConfig], folders: Sequence[Path | None]) -> ModelCard:
    """The model card of all replicas; one file's content may have changed between the starts of two runs.

    Raises:
        InputError: they differ, or one cannot be read.
    """
    cards = [load_card(config, folder) for config, folder in zip(configs, folders, strict=True)]
    for card in cards:
        if (card.kind, card.model, card.instance) != (cards[0].kind, cards[0].model, cards[0].instance):
            raise InputError(f"replicas must share the model card: {card.path} differs from {cards[0].path}")
    return cards[0]


def load_replica(config: TrainerConfig, folder: str | Path | None = None, sign: float = 1.0) -> Replica:
    """A replica before its first epoch, with what files its configuration names or the copies in a run folder.

    Args:
        config: its options.
        folder: of a run that has begun; None for a new one.
        sign: of its card.

    Raises:
        InputError: the topology, the chip or the list of damage does not fit, or the data cannot be split as
            configured.
    """
    path = _copy(folder, record.TOPOLOGY) or config.topology
    given = find_topology(path) if path else None
    data = config.load()
    topology = given or config.network(data)
    _check_topology(f"topology {path}" if path else "its network", topology, data)
    check_targets(data, topology, config)
    chip = None if config.chip is None else load_chip(_copy(folder, record.CHIP) or config.chip, topology)
    replica = new_replica(config, data, topology, chip, sign)
    listed = None if config.damage_list is None else _copy(folder, record.DAMAGE_LIST)
    replica.damage = damage_plan(config, topology.n_edges, listed)
    return replica


def check_sizes(replicas: Sequence[Replica]) -> None:
    """Raise InputError unless replicas have equally many samples and inputs, whatever options these depend on."""
    for replica in replicas:
        if replica.data.readout != replicas[0].data.readout:
            raise InputError("replicas must share how their outputs are read")
        for part in ("train", "val", "test"):
            ours, first = (getattr(one.data, part).x_V.shape for one in (replica, replicas[0]))
            if ours != first:
                sizes = " differ from ".join("{} with {} inputs".format(*shape) for shape in (ours, first))
                raise InputError(f"replicas must share the numbers of {part} samples and inputs: {sizes}")


def check_data(data: Data, meta: Mapping[str, Any], folder: Path | None) -> None:
    """Raise InputError if these are not the samples of which run_meta.json, where it does, holds a digest."""
    if DIGEST in meta and meta[DIGEST] != data.digest():
        raise InputError(f"run folder {folder}: the samples of {data.name} have changed since the run began")


def _copy(folder: str | Path | None, name: str) -> Path | None:
    """A file of a run folder; None if the run was stopped before it was written."""
    if not folder:
        return None
    path = Path(folder) / name
    if path.exists():
        return path
    if (Path(folder) / CHECKPOINT).exists():  # the file that the settings name may have changed
        raise InputError(f"run folder {folder}: {name}, which its checkpoint belongs to, is missing")
    return None


def _check_topology(where: str, topology: Topology, data: Data) -> None:
    for name, count, needed in (
        ("inputs", topology.n_inputs, data.n_inputs),
        ("outputs", topology.n_outputs, data.n_outputs),
    ):
        if count != needed:
            raise InputError(f"{where} has {count} {name}; {data.needs} {needed}")
    if (lost := out_of_reach(topology)).size:
        named = ", ".join(map(str, lost[:SHOWN].tolist())) + ", ..." * (lost.size > SHOWN)
        raise InputError(f"{where}: no path of transistors from an input to output {named} (counted from 0)")
