"""`nonideal runs`: a line for each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.browse.text import aligned
from common.errors import InputError
from common.runs import load_run
from common.runs.columns import last_row
from common.runs.folder import META
from common.runs.matching import matching
from common.runs.result import Result, read_result

HEADER = ("status", "started", "epoch", "of", "score", "metric", "final", "selected", "selected on", "run")
# Where runs are by default: of every suite, of magnetoionic-train, and of trainings with $RUN_DIR or --run-dir models.
# Runs of sweeps, thousands perhaps, are listed where their folder is named.
PLACES = ("results/*/runs/*", "simulations", "models")
EPOCHS = ("epochs", "meta_loops", "count_epoch")  # options that say how long a run is
RUNNING = ("val_acc", "test_acc")  # columns of metrics.csv that are shown while a run has no result


def list_runs(places: Sequence[str] = ()) -> int:
    """Print status, start, epochs and accuracies of all runs in the folders or patterns; returns the exit code.

    Args:
        places: none means PLACES.

    Raises:
        InputError: there is no run.
    """
    places = places or PLACES
    folders = sorted({folder for place in places for folder in _folders(place)})
    if not folders:
        raise InputError(f"no run folder in {', '.join(places)}; name a folder that holds runs, or a glob pattern")
    damaged: list[InputError] = []
    rows = [_row(folder, damaged) for folder in folders]
    print(aligned(HEADER, rows))
    for problem in damaged:
        print(f"damaged: {problem}")
    counts = Counter(row[0] for row in rows)
    print(f"{len(rows)} runs: " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    return 0


def _folders(place: str) -> Iterator[Path]:
    for found in matching(place):
        if (found / META).is_file():
            yield found
        else:
            yield from (path.parent for path in found.glob(f"*/{META}") if not path.parent.is_symlink())


def _row(folder: Path, damaged: list[InputError]) -> list[Any]:
    """A line of the table; what is wrong with a folder that cannot be read is added to `damaged`."""
    try:
        record = load_run(folder)
        last = last_row(folder)
    except InputError as problem:
        damaged.append(problem)
        return ["damaged", "-", "-", "-", None, "-", None, None, "-", str(folder)]
    epoch = next(iter(last.values()), "-")
    started = str(record.meta.get("started", "-"))[:16].replace("T", " ")
    whole = next((record.config[name] for name in EPOCHS if record.config.get(name) is not None), "-")
    numbers = _numbers(read_result(record.meta), last)
    return [record.status, started, str(epoch), str(whole), *numbers, str(folder)]


def _numbers(result: Result | None, last: Mapping[str, Any]) -> list[Any]:
    """score, metric, final, selected and selected on; before the end the accuracy after the last epoch, if known."""
    if result is None:
        metric = next((name for name in RUNNING if isinstance(last.get(f"final_{name}"), (int, float))), "-")
        return [None, metric, last.get(f"final_{metric}"), None, "-"]
    metric, on = result.metric, result.selected_on
    return [result.value, metric or "-", result.final.get(metric), result.selected.get(metric), on or "-"]
