"""From configurations to replicas: the model card, the topology and the digits of each, loaded and checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.digits.data import N_CLASSES, N_PIXELS, load_digits
from analog_nmos.topology import Topology, find_topology, shipped
from analog_nmos.training import record
from analog_nmos.training.checkpoint import NAME as CHECKPOINT
from analog_nmos.training.config import SHARED, TrainerConfig
from analog_nmos.training.replica import Replica, new_replica
from common.errors import InputError


def check_shared(configs: Sequence[TrainerConfig]) -> None:
    """Raise InputError if networks that are to train together differ in what they must share."""
    for name in (*SHARED, "trains"):
        values = [getattr(config, name) for config in configs]
        for value in values:
            if value != values[0]:
                what = {"trains": "objective"}.get(name, name)
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
        if (card.model, card.instance) != (cards[0].model, cards[0].instance):
            raise InputError(f"replicas must share the model card: {card.path} differs from {cards[0].path}")
    return cards[0]


def load_replica(config: TrainerConfig, folder: str | Path | None = None) -> Replica:
    """A replica before its first epoch, with the topology of its configuration or the copy in a run folder.

    Raises:
        InputError: the topology does not fit the digits, or the data cannot be split as configured.
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


def _check_topology(path: Path | None, topology: Topology) -> None:
    for name, count, needed in (("inputs", topology.n_inputs, N_PIXELS), ("outputs", topology.n_outputs, N_CLASSES)):
        if count != needed:
            raise InputError(f"topology {path} has {count} {name}; the digits need {needed}")
