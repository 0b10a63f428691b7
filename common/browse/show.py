"""`nonideal show`: one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common.browse.text import aligned, shown
from common.errors import InputError
from common.plotting import PLOT_FORMATS
from common.runs import RunRecord, load_run
from common.runs.columns import plain_columns

FACTS = ("status", "reason", "package", "job", "seed", "started", "ended", "host", "pid", "device", "validated_on")


def show_run(folder: Path, tail: int) -> int:
    """Print where a run comes from, its settings, its result, its last epochs, and its plots; returns the exit code."""
    record = load_run(folder)
    meta = {**record.meta, "status": record.status}
    print(f"run {folder.resolve().name}")
    facts = [(name, shown(meta[name])) for name in FACTS if meta.get(name) is not None]
    facts.append(("command", " ".join(map(str, meta.get("command") or []))))
    if meta.get("git"):
        facts.append(("commit", str(meta["git"]["commit"])[:12] + (" and changes" if meta["git"]["dirty"] else "")))
    _pairs("", facts)
    _pairs("settings", list(record.config.items()))
    _pairs("result", list(plain_columns(record.result).items()))
    for name, value in record.result.items():
        if name not in plain_columns(record.result):
            _records(name, value)
    _last_epochs(record, tail)
    plots = sorted(path.name for ending in PLOT_FORMATS for path in folder.glob(f"*.{ending}"))
    print(f"\nplots: {', '.join(plots) or 'none yet'}")
    return 0


def _last_epochs(record: RunRecord, tail: int) -> None:
    try:
        table = record.metrics.tail(tail)
    except InputError as problem:
        print(f"\ndamaged: {problem}")
        return
    if len(table):
        print("\nlast epochs")
        print(aligned(list(table.columns), table.astype(object).to_numpy().tolist()))


def _records(name: str, rows: list[Any]) -> None:
    """A list of records in a result, such as the trials of a run, as a table."""
    columns = list(dict.fromkeys(key for row in rows if isinstance(row, dict) for key in row))
    print(f"\n{name}")
    print(aligned(columns, [[row.get(key) for key in columns] for row in rows if isinstance(row, dict)]))


def _pairs(title: str, pairs: list[tuple[str, Any]]) -> None:
    if title and pairs:
        print(f"\n{title}")
    width = max((len(name) for name, value in pairs if value is not None), default=0)
    for name, value in pairs:
        if value is not None:
            print(f"  {name:<{width}} {shown(value)}")
