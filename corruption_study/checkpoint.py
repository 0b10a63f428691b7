"""Checkpoints of runs side by side: a file a run now and then, from which it goes on to the last bit."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.runs.files import atomic_writer

if TYPE_CHECKING:
    from corruption_study.trainer import Stack

NAME = "checkpoint.safetensors"
EVERY_S = 15.0
NAMES = ("values", "mean", "square", "steps")


class Saver:
    """Saves and loads the runs of a stack.

    Args:
        folders: of the runs, in the stack's order.
        every_s: at least so many seconds between two checkpoints: short runs leave none.
    """

    def __init__(self, folders: Sequence[Path], *, every_s: float = EVERY_S) -> None:
        self._paths = [folder / NAME for folder in folders]
        self._every_s, self._last = every_s, time.monotonic()

    def save_if_due(self, stack: Stack) -> None:
        """After an epoch."""
        if time.monotonic() - self._last < self._every_s:
            return
        from safetensors.torch import save

        for r, path in enumerate(self._paths):
            with atomic_writer(path) as stream:
                stream.write(save(_tensors(stack, r), {"epoch": str(stack.epoch), "seed": str(stack.seeds[r])}))
        self._last = time.monotonic()

    def load(self, stack: Stack) -> None:
        """Bring a new stack to where all its runs were; anew where one has no checkpoint, or another epoch's."""
        found = [_read(path) for path in self._paths]
        epochs = {None if state is None else state[0] for state in found}
        if len(epochs) > 1 or None in epochs:
            return
        for r, state in enumerate(found):
            assert state is not None
            for name, tensor in _tensors(stack, r).items():
                tensor.copy_(state[1][name])
        stack.epoch = epochs.pop() or 0

    def remove(self) -> None:
        """Runs that are over need none."""
        for path in self._paths:
            path.unlink(missing_ok=True)


def _tensors(stack: Stack, r: int) -> dict[str, Any]:
    adam = stack.adam
    return {"values": stack.bank.values[r], "mean": adam.mean[r], "square": adam.square[r], "steps": adam.steps[r]}


def _read(path: Path) -> tuple[int, dict[str, Any]] | None:
    if not path.exists():
        return None
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return int(json.loads(file.metadata()["epoch"])), {name: file.get_tensor(name) for name in NAMES}
