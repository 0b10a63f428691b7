"""What a campaign's worker does: train the runs of a task side by side, each in a run folder of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.cli import build
from common.errors import RunError
from common.guessing import guessing_line
from common.runs import Run, StopSignals, load_run
from common.runs.folder import META
from common.runs.metrics import keep_rows
from corruption_study import checkpoint
from corruption_study.config import TrainConfig
from corruption_study.stack_size import stack_of

if TYPE_CHECKING:
    from corruption_study.trainer import Stack

SETTINGS = ("activation", "model_type", "p", "seed")  # of a result: the sweep has them from the run's configuration


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
    results: dict[int, Any] = {r: result for r, folder in enumerate(folders) if (result := _ended(folder))}
    waiting = [r for r in range(len(folders)) if r not in results]
    with StopSignals() as signals, contextlib.ExitStack() as stack:
        runs = {r: stack.enter_context(Run(folders[r], configs[r], signals)) for r in waiting}
        found = {r: checkpoint.readable(run.folder, run.log) for r, run in runs.items()}
        for epoch, members in checkpoint.together(found):
            paths = [found[r][epoch] for r in members] if epoch else []
            ended = _train([configs[r] for r in members], [runs[r] for r in members], paths)
            results |= dict(zip(members, ended, strict=True))
    for folder in folders:
        checkpoint.remove(folder)
    return [results[r] for r in range(len(folders))]


def _ended(folder: Path) -> dict[str, Any] | None:
    """The result of a run that is done and whose worker was killed before the campaign heard of it."""
    if not (folder / META).exists():
        return None
    record = load_run(folder)
    result = record.meta.get("result")
    return result if record.status == "done" and isinstance(result, dict) else None


def _train(configs: Sequence[TrainConfig], runs: Sequence[Run], paths: Sequence[Path]) -> list[Any]:
    """Train runs side by side from the checkpoints that they share, or from the start without."""
    from corruption_study import trainer

    folders = [run.folder for run in runs]

    def look() -> None:
        for run in runs:
            run.beat()

    def start(stack: Stack) -> None:
        if paths:
            checkpoint.restore(stack, paths)
        for folder in folders:
            keep_rows(folder, stack.epoch)

    def after(stack: Stack) -> None:
        for r, run in enumerate(runs):
            run.metrics({"epoch": stack.epoch, "train_loss": stack.losses[r], "train_accuracy": stack.accuracies[r]})
            if stack.epoch == 1 and (line := guessing_line(1, stack.losses[r])):
                run.log(line)
        checkpoint.save(stack, folders)
        if stack.epoch < configs[0].epochs:
            for run in runs:
                run.stop_if_asked()

    results = [_flat(result) for result in trainer.train(configs, after=after, look=look, start=start)]
    for run, result in zip(runs, results, strict=True):
        _finish(run, result)
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
    left_out = (*SETTINGS, "seconds", "corrupted_test_accuracy")
    values = {name: value for name, value in result.items() if name not in left_out}
    corrupted = result.get("corrupted_test_accuracy", {})
    return values | {f"test_accuracy_p{float(p)!r}": accuracy for p, accuracy in corrupted.items()}
