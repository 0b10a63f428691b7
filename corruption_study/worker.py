"""What a campaign's worker does: train the runs of a task side by side, each in a run folder of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import build
from common.errors import RunError
from common.runs import Run, StopSignals
from common.runs.metrics import keep_rows
from corruption_study import checkpoint
from corruption_study.config import TrainConfig
from corruption_study.stack_size import stack_of


def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """Train runs, or go on with them from their checkpoints; numbers or an exception for each.

    They share all settings but p and seed. They go side by side in stacks of the size that the campaign's stack.json
    names for their model type.
    """
    built = [build(TrainConfig, dict(config)) for config in configs]
    size = stack_of(folders[0].parent, built[0].model_type)
    results: list[Any] = []
    for start in range(0, len(built), size):
        results += _side_by_side(built[start : start + size], folders[start : start + size])
    return results


def _side_by_side(configs: Sequence[TrainConfig], folders: Sequence[Path]) -> list[Any]:
    from corruption_study import trainer

    with StopSignals() as signals, contextlib.ExitStack() as stack:
        runs = [
            stack.enter_context(Run(folder, config, signals)) for config, folder in zip(configs, folders, strict=True)
        ]

        def look() -> None:
            for run in runs:
                run.beat()

        saver = checkpoint.Saver(folders)

        def start(trained: trainer.Stack) -> None:
            saver.load(trained)
            for folder in folders:
                keep_rows(folder, trained.epoch)

        def after(epoch: trainer.Epoch) -> None:
            for r, run in enumerate(runs):
                row = {"epoch": epoch.number, "train_loss": epoch.losses[r], "train_accuracy": epoch.accuracies[r]}
                run.metrics(row)
            if epoch.number < configs[0].epochs:
                saver.save_if_due(epoch.stack)
                for run in runs:
                    run.stop_if_asked()

        results = [_flat(result) for result in trainer.train(configs, after=after, look=look, start=start)]
        for run, result in zip(runs, results, strict=True):
            _finish(run, result)
        saver.remove()
        return results


def _finish(run: Run, result: dict[str, Any] | RunError) -> None:
    if isinstance(result, RunError):
        run.finish(result)
        return
    run.note(result=result)
    run.log(f"test accuracy {result['test_accuracy']:.4f}, final loss {result['final_loss']:.4f}")
    run.finish()


def _flat(result: dict[str, Any] | RunError) -> dict[str, Any] | RunError:
    """Without the seconds, which the sweep measures itself, and with a number of its own for each test strength."""
    if isinstance(result, RunError):
        return result
    values = {name: value for name, value in result.items() if name not in ("seconds", "corrupted_test_accuracy")}
    corrupted = result.get("corrupted_test_accuracy", {})
    return values | {f"test_accuracy_p{float(p)!r}": accuracy for p, accuracy in corrupted.items()}
