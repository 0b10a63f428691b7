"""How a run of a sweep ended, and the files DONE and FAILED that say so in its folder; BEGUN while it is at work."""

from __future__ import annotations

import contextlib
import errno
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from common.errors import InputError, Interrupted, RunError
from common.inputs import parse_json, read_text
from common.runs.files import plain, write_text

DONE, FAILED, BEGUN = "DONE", "FAILED", "BEGUN"
TAIL_LINES = 20
LOGS = ("train_log.txt", "stdout.txt", "stderr.txt")
# Not the run's fault: every other run would meet the same, so the sweep stops instead of failing them all.
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
FORBIDDEN = (errno.EACCES, errno.EPERM)


@dataclass(frozen=True)
class Outcome:
    """The summary line of a run: all that travels from a worker to the launcher.

    Attributes:
        index: the run's number.
        status: done, failed, interrupted (goes on at the next start), or unwritable (the sweep must stop).
        seconds: its share of the worker's time in its last attempt.
        result: numbers for the table, e.g. final_val_acc.
        reason: why it did not end as done, on one line.
        kind: of a failure: error (repeats if tried again), timeout, or lost (its worker died twice).
    """

    index: int
    status: str
    seconds: float = 0.0
    result: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    kind: str = ""

    def json(self) -> dict[str, Any]:
        """In JSON's types."""
        values: dict[str, Any] = plain(asdict(self))
        return values


def is_final(outcome: Outcome) -> bool:
    """Whether the run is over."""
    return outcome.status in ("done", "failed")


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Write DONE, or FAILED with the tails of the run's logs, into a run folder."""
    line = json.dumps(outcome.json()) + "\n"
    if outcome.status == "done":
        write_text(folder / DONE, line)
        with contextlib.suppress(FileNotFoundError):
            (folder / FAILED).unlink()
    else:
        write_text(folder / FAILED, f"{line}{outcome.reason}\n{''.join(_tails(folder))}")


def read_outcome(folder: Path, index: int | None = None) -> Outcome | None:
    """What DONE or FAILED in a run folder says.

    None if there is neither, or it is damaged or says another run's `index`: then the run is repeated.
    """
    for name in (DONE, FAILED):
        if not (folder / name).exists():
            continue
        with contextlib.suppress(InputError):
            line = read_text(folder / name, "outcome").partition("\n")[0]
            outcome = as_outcome(parse_json(line, f"outcome {folder / name}"))
            if outcome is not None and index in (None, outcome.index):
                return outcome
    return None


def as_outcome(facts: Mapping[str, Any]) -> Outcome | None:
    """The end of a run from a line of JSON; None if that is no such line."""
    values = {name: facts[name] for name in ("seconds", "result", "reason", "kind") if name in facts}
    index, status = facts.get("index"), facts.get("status")
    kinds: dict[str, tuple[type, ...]] = {"seconds": (int, float), "result": (dict,), "reason": (str,), "kind": (str,)}
    sound = all(isinstance(value, kinds[name]) for name, value in values.items())
    if not sound or not isinstance(index, int) or status not in ("done", "failed"):
        return None
    return Outcome(index, str(status), **values)


def is_unwritable(problem: BaseException, folder: Path) -> bool:
    """Whether an error says that nothing can be written to the sweep folder (full disk, someone else's files)."""
    if not isinstance(problem, OSError):
        return False
    inside = problem.filename is None or Path(str(problem.filename)).is_relative_to(folder)
    return problem.errno in DISK or (problem.errno in FORBIDDEN and inside)


def one_line(problem: BaseException) -> str:
    """The message of an error on one line; errors that do not say enough by themselves get their type in front."""
    text = " ".join(str(problem).split())
    if isinstance(problem, (InputError, RunError, Interrupted)) and text:
        return text
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def _tails(folder: Path) -> Iterable[str]:
    for name in LOGS:
        try:
            lines = (folder / name).read_text(errors="replace").splitlines()[-TAIL_LINES:]
        except OSError:
            continue
        if lines:
            yield f"\n--- the last lines of {name}\n" + "".join(f"{line}\n" for line in lines)
