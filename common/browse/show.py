"""`nonideal show`: one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from common.browse.text import aligned, shown
from common.errors import InputError
from common.plotting import PLOT_FORMATS
from common.runs import RunRecord, load_run

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
    if isinstance(meta.get("result"), dict):
        _pairs("result", list(meta["result"].items()))
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


def _pairs(title: str, pairs: list[tuple[str, Any]]) -> None:
    if title:
        print(f"\n{title}")
    print("\n".join(f"  {name:<16} {shown(value)}" for name, value in pairs if value is not None))
