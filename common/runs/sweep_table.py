"""Read a sweep folder as one table, whether it is finished, at work, or was cut off."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.inputs import read_json
from common.runs import metrics
from common.runs.files import read_lines
from common.runs.folder import META
from common.runs.journal import NAME, begun, last_outcomes
from common.runs.lock import is_held
from common.runs.outcome import BEGUN, Outcome, read_outcome
from common.runs.read import load_run
from common.runs.spec import LAUNCHER, RUNSPECS, SUMMARY, RunSpec, read_specs

if TYPE_CHECKING:
    import pandas as pd


def load_sweep(folder: str | Path) -> pd.DataFrame:
    """A row per run, in the sweep's order; 1458 runs take well under a second.

    Columns: index, run (folder name), status (done, failed, running, dead, interrupted, waiting, damaged), the
    settings, the results (e.g. final_val_acc, final_epoch, selected_val_acc, selected_epoch), seconds, reason, folder.
    A folder that holds run folders but no sweep gives the same from their run_meta.json and metrics.csv. Lists are
    tuples here.

    Of a sweep, the table's `attrs` hold `settings`, the names of the columns that are settings, and `score`, the one by
    which it chooses the best ("" if no launcher has noted it).

    Raises:
        InputError: neither a sweep nor a run is in the folder.
    """
    import pandas as pd

    place = Path(folder)
    if not place.is_dir():
        raise InputError(f"sweep folder {place}: no such folder")
    if (place / RUNSPECS).is_file():
        found = _sweep_rows(place)
        if not found:
            raise InputError(f"sweep folder {place}: its runspecs.jsonl names no run")
        table = pd.DataFrame(found)
        table.attrs = {"settings": _settings(place), "score": _score(place)}
        return table
    rows = [_run_row(path.parent) for path in sorted(place.glob(f"*/{META}"))]
    if not rows:
        raise InputError(f"sweep folder {place}: neither runspecs.jsonl nor a run folder is in it")
    return pd.DataFrame(rows)


def row(spec: RunSpec, outcome: Outcome | None) -> dict[str, Any]:
    """index, run, status, the settings, the results, seconds and reason."""
    facts: dict[str, Any] = {"index": spec.index, "run": spec.folder, "status": "waiting", **spec.columns}
    if outcome is not None:
        facts |= {"status": outcome.status, **outcome.result}
        facts |= {"seconds": round(outcome.seconds, 3), "reason": outcome.reason}
    return facts


def _sweep_rows(place: Path) -> list[dict[str, Any]]:
    """From runspecs.jsonl and status.jsonl; single run folders are looked into only where these leave a question."""
    ended, started = last_outcomes(place), begun(place)
    journal = (place / NAME).exists()
    rows = []
    for spec in read_specs(place):
        outcome = ended.get(spec.index)
        if outcome is None and (spec.index in started or not journal):
            outcome = read_outcome(place / spec.folder, spec.index)  # its launcher may have died before it took note
        facts = row(spec, outcome)
        if outcome is None and spec.index in started:
            facts["status"] = _status(place, spec)
        facts = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
        rows.append({**facts, "folder": str(place / spec.folder)})
    return rows


def _settings(place: Path) -> list[str]:
    return list(dict.fromkeys(name for spec in read_specs(place) for name in spec.columns))


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
    except InputError as problem:
        return {"run": run.name, "status": "damaged", "reason": str(problem), "folder": str(run)}
    result = record.meta.get("result")
    lines = read_lines(run / metrics.NAME)
    last = dict(zip(lines[0].split(","), lines[-1].split(","), strict=False)) if len(lines) > 1 else {}
    facts = {name: value for name, value in record.config.items() if isinstance(value, (str, int, float))}
    facts |= {"final_epoch": _number(last.get("epoch"))} if last else {}
    facts |= {f"final_{name}": _number(value) for name, value in last.items() if "acc" in name}
    facts |= result if isinstance(result, dict) else {}
    reason = record.meta.get("reason") or ""
    return {"run": run.name, "status": record.status, **facts, "reason": reason, "folder": str(run)}


def _number(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text
