"""`nonideal runs`: a line per run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from common.browse.text import aligned
from common.errors import InputError
from common.runs import load_run, metrics
from common.runs.files import read_lines
from common.runs.folder import META
from common.runs.matching import matching

HEADER = ("status", "started", "epoch", "of", "final", "selected", "run")


def list_runs(places: Sequence[str]) -> int:
    """Print status, start, epochs and accuracy of all runs in the folders or patterns; returns the exit code."""
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
    except InputError as problem:
        damaged.append(problem)
        return ["damaged", "-", "-", "-", None, None, str(folder)]
    result = record.result
    lines = read_lines(folder / metrics.NAME)
    epoch = lines[-1].split(",")[0] if len(lines) > 1 else "-"
    started = str(record.meta.get("started", "-"))[:16].replace("T", " ")
    numbers = [result.get("final_val_acc"), result.get("selected_val_acc")]
    return [record.status, started, epoch, str(record.config.get("epochs", "-")), *numbers, str(folder)]
