"""status.jsonl: what happened to which run and when, one whole line an event, never changed afterwards."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.inputs import parse_json
from common.runs.files import append_line, plain, read_lines
from common.runs.outcome import Outcome, as_outcome

NAME = "status.jsonl"


class Journal:
    """Appends to status.jsonl; of every run that ends there is exactly one such line per end."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def note(self, event: str, **facts: Any) -> None:
        """Append an event: launch, start, retry, done, failed, interrupted or stop.

        Raises:
            OSError: the disk is full; the file keeps its whole lines.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        append_line(self._path, json.dumps(plain(line)))

    def ended(self, outcome: Outcome) -> None:
        """Append the end of a run, with its whole summary line."""
        facts = {name: value for name, value in outcome.json().items() if value not in ("", {}) and name != "status"}
        self.note(outcome.status, **facts)


def read_events(folder: Path) -> list[dict[str, Any]]:
    """All whole lines of status.jsonl that hold an event; none if there is no such file."""
    events = []
    for line in read_lines(folder / NAME):
        with contextlib.suppress(InputError):
            events.append(parse_json(line, NAME))
    return events


def last_outcomes(folder: Path) -> dict[int, Outcome]:
    """The latest end of each run that has ended and not been started since, by its index."""
    ended: dict[int, Outcome] = {}
    for event in read_events(folder):
        kind, index = event.get("event"), event.get("index")
        if kind in ("done", "failed") and isinstance(index, int):
            outcome = as_outcome({**event, "status": kind})
            if outcome is not None:
                ended[index] = outcome
        elif kind == "start" and isinstance(index, int):
            ended.pop(index, None)
    return ended


def begun(folder: Path) -> set[int]:
    """The indices of all runs that were ever started."""
    found = (event.get("index") for event in read_events(folder) if event.get("event") == "start")
    return {index for index in found if isinstance(index, int)}
