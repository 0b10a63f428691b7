"""Read a sweep folder as one table, whether it is finished, at work, or was cut off."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.inputs import read_json
from common.runs.columns import last_row, plain_columns, result_columns
from common.runs.folder import META
from common.runs.journal import NAME, begun, last_outcomes
from common.runs.lock import is_held
from common.runs.outcome import BEGUN, Outcome, read_outcome
from common.runs.read import load_run
from common.runs.result import EPOCH, FINAL
from common.runs.spec import LAUNCHER, RUNSPECS, SUMMARY, RunSpec, read_specs

if TYPE_CHECKING:
    import pandas as pd


def load_sweep(folder: str | Path) -> pd.DataFrame:
    """A row per run, in the sweep's order; 1458 runs take well under a second.

    Columns: index, run (folder name), status (done, failed, running, dead, interrupted, waiting, damaged), the
    settings, the results (score, score_name, and e.g. final_val_acc, final_epoch, selected_val_acc, selected_epoch,
    selected_on), seconds, reason, folder. A folder that holds run folders but no sweep gives the same from their
    run_meta.json and metrics.csv. Lists are tuples here.

    The table's `attrs` hold `settings`, the names of the columns that are settings, and `score`, the column that ranks
    the runs ("" before the first run has ended).

    Raises:
        InputError: neither a sweep nor a run is in the folder.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"sweep folder {place}: no such folder")
    if (place / RUNSPECS).is_file():
        score = _score(place)
        found = _sweep_rows(place, score)
        if not found:
            raise InputError(f"sweep folder {place}: its runspecs.jsonl names no run")
        settings = list(dict.fromkeys(name for spec in read_specs(place) for name in spec.columns))
        return _table(found, settings, score)
    rows = [_run_row(path.parent) for path in sorted(place.glob(f"*/{META}"))]
    if not rows:
        raise InputError(f"sweep folder {place}: neither runspecs.jsonl nor a run folder is in it")
    settings = list(dict.fromkeys(name for record in rows for name in record.pop("settings")))
    return _table(rows, settings)


def score_name(rows: Iterable[Mapping[str, Any]], default: str = "") -> str:
    """The column that ranks the runs, as their results say; else the one that the sweep has named."""
    return next((str(facts["score_name"]) for facts in rows if facts.get("score_name")), default)


def row(spec: RunSpec, outcome: Outcome | None, score: str = "") -> dict[str, Any]:
    """index, run, status, the settings, the results, seconds and reason; for `score` see `result_columns`."""
    facts: dict[str, Any] = {"index": spec.index, "run": spec.folder, "status": "waiting", **spec.columns}
    if outcome is not None:
        facts |= {"status": outcome.status, **result_columns(outcome.result, score)}
        facts |= {"seconds": round(outcome.seconds, 3), "reason": outcome.reason}
    return facts


def _sweep_rows(place: Path, score: str) -> list[dict[str, Any]]:
    """From runspecs.jsonl and status.jsonl; single run folders are read only where these do not say it."""
    ended, started = last_outcomes(place), begun(place)
    journal = (place / NAME).exists()
    rows = []
    for spec in read_specs(place):
        outcome = ended.get(spec.index)
        if outcome is None and (spec.index in started or not journal):
            outcome = read_outcome(place / spec.folder, spec.index)  # its launcher may have died before it noted that
        facts = row(spec, outcome, score)
        if outcome is None and spec.index in started:
            facts["status"] = _status(place, spec)
        facts = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
        rows.append({**facts, "folder": str(place / spec.folder)})
    return rows


def _table(rows: list[dict[str, Any]], settings: list[str], score: str = "") -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows)
    table.attrs = {"settings": settings, "score": score_name(rows, score)}
    return table


def _score(place: Path) -> str:
    with contextlib.suppress(InputError):  # it holds nothing that the runs do not say themselves
        return str(read_json(place / SUMMARY, "summary").get("score", ""))
    return ""


def _status(place: Path, spec: RunSpec) -> str:
    run = place / spec.folder
    if (run / META).is_file():
        try:
            return load_run(run).status
        except InputError:  # its launcher will run it again
            return "damaged"
    return "running" if is_held(place / LAUNCHER) and (run / BEGUN).exists() else "interrupted"


def _run_row(run: Path) -> dict[str, Any]:
    try:
        record = load_run(run)
        last = last_row(run)
    except InputError as problem:
        return {"run": run.name, "status": "damaged", "reason": str(problem), "folder": str(run), "settings": ()}
    config = {name: value for name, value in record.config.items() if isinstance(value, (str, int, float))}
    facts = {name: value for name, value in last.items() if name == f"{FINAL}_{EPOCH}" or "acc" in name}
    facts |= plain_columns(record.result)
    reason = record.meta.get("reason") or ""
    known = {"run": run.name, "status": record.status, **config, **facts, "reason": reason, "folder": str(run)}
    return {**known, "settings": [name for name in config if name not in facts]}
