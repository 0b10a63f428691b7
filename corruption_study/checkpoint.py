"""Checkpoints of runs side by side: one file per run and epoch, from which the run continues bit by bit the same.

Each run keeps its newest two, so that all runs of a stack always have one of the same epoch: the process may be killed
after writing the files of only some runs, and a file may be damaged.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError, RunError
from common.inputs import read_bytes
from common.runs.files import atomic_writer
from common.tensor_files import parse_tensors

if TYPE_CHECKING:
    from corruption_study.trainer import Stack

PATTERN = "checkpoint*.safetensors"  # earlier versions wrote one without an epoch in its name
KEPT = 2
NAMES = ("values", "mean", "square", "steps")


@dataclass(frozen=True)
class State:
    """A run after an epoch: its tensors, that epoch's training loss and accuracy (nan if not recorded), its failure."""

    epoch: int
    tensors: dict[str, Any]
    loss: float = math.nan
    accuracy: float = math.nan
    broken: str = ""


def save(stack: Stack, folders: Sequence[Path]) -> None:
    """Write the checkpoints of all runs after an epoch, and delete those that are no longer needed.

    Args:
        stack: the runs.
        folders: of the runs, in the stack's order.
    """
    from safetensors.torch import save as dump

    for r, folder in enumerate(folders):
        facts = {
            "epoch": stack.epoch,
            "seed": stack.seeds[r],
            "loss": stack.losses[r],
            "accuracy": stack.accuracies[r],
            "broken": str(stack.broken.get(r, "")),
        }
        with atomic_writer(folder / _name(stack.epoch)) as stream:
            stream.write(dump(_tensors(stack, r), {name: json.dumps(value) for name, value in facts.items()}))
    for folder in folders:  # only now that all runs of the stack have the new one
        for path in sorted(folder.glob(PATTERN)):
            if path.name not in [_name(stack.epoch - age) for age in range(KEPT)]:
                path.unlink(missing_ok=True)


def readable(folder: Path, warn: Callable[[str], None]) -> dict[int, Path]:
    """The checkpoints of a run that can be read, by epoch; `warn` gets a line about each damaged one."""
    found: dict[int, Path] = {}
    for path in sorted(folder.glob(PATTERN)):
        try:
            found[read(path).epoch] = path
        except InputError as problem:
            warn(f"warning: {problem}; going on from an earlier epoch")
    return found


def together(found: Mapping[int, Mapping[int, Path]]) -> list[tuple[int, list[int]]]:
    """Groups of runs that can go on side by side, each with its epoch, as (epoch, runs).

    One group from the newest epoch that all have, if it is recent; else runs are grouped by their newest epoch (they
    were in different stacks before). Epoch 0 needs no checkpoint.
    """
    if not found:
        return []
    shared = max(set.intersection(*({*each, 0} for each in found.values())))
    newest = {r: max(each, default=0) for r, each in found.items()}
    if shared > max(newest.values()) - KEPT:
        return [(shared, list(found))]
    return [(epoch, [r for r, own in newest.items() if own == epoch]) for epoch in sorted(set(newest.values()))]


def restore(stack: Stack, paths: Sequence[Path]) -> None:
    """Restore a new stack from a checkpoint for each run, all of the same epoch.

    Raises:
        InputError: a checkpoint belongs to another network.
    """
    for r, path in enumerate(paths):
        state = read(path)
        for name, tensor in _tensors(stack, r).items():
            if state.tensors[name].shape != tensor.shape or state.tensors[name].dtype != tensor.dtype:
                raise InputError(f"checkpoint {path}: its {name} belong to another network")
            tensor.copy_(state.tensors[name])
        stack.losses[r], stack.accuracies[r] = state.loss, state.accuracy
        if state.broken:
            stack.broken[r] = RunError(state.broken)
        stack.epoch = state.epoch


def remove(folder: Path) -> None:
    """Delete the checkpoints of a run that is done."""
    for path in folder.glob(PATTERN):
        path.unlink(missing_ok=True)


def read(path: Path) -> State:
    """Read a checkpoint.

    Raises:
        InputError: it is damaged.
    """
    tensors, metadata = parse_tensors(read_bytes(path, "checkpoint"), f"checkpoint {path}", floating=False)
    facts: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        facts = {name: json.loads(text) for name, text in metadata.items()}
    epoch, loss, accuracy = facts.get("epoch"), facts.get("loss", math.nan), facts.get("accuracy", math.nan)
    numbers = isinstance(loss, float) and isinstance(accuracy, float)
    if set(tensors) != set(NAMES) or not numbers or not isinstance(epoch, int) or epoch < 1:
        raise InputError(f"checkpoint {path}: is damaged (its arrays or facts are not those of a run)")
    return State(epoch, tensors, loss, accuracy, str(facts.get("broken", "")))


def _name(epoch: int) -> str:
    return f"checkpoint-{epoch}.safetensors"


def _tensors(stack: Stack, r: int) -> dict[str, Any]:
    adam = stack.adam
    return {"values": stack.bank.values[r], "mean": adam.mean[r], "square": adam.square[r], "steps": adam.steps[r]}
