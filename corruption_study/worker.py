"""The task of a campaign's worker: train runs side by side, each with its own run folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import build
from common.experiment import train_of
from corruption_study import checkpoint
from corruption_study.config import TrainConfig
from corruption_study.stack_size import stack_of
from corruption_study.train import EXPERIMENT

_train = train_of(EXPERIMENT)


def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """Train runs, or go on with them from their checkpoints; numbers or an exception for each.

    They share all settings but p and seed. They train in stacks of the size that the campaign's stack.json has for
    their model type.
    """
    size = stack_of(folders[0].parent, build(TrainConfig, dict(configs[0])).model_type)
    results: list[Any] = []
    for start in range(0, len(configs), size):
        results += _train(configs[start : start + size], folders[start : start + size])
    for folder in folders:  # of runs whose worker was killed after they ended but before this
        checkpoint.remove(folder)
    return results
