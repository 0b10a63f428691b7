"""results.csv and summary.json: how far a sweep is; both files are replaced as a whole."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.runs.columns import result_columns
from common.runs.files import write_json, write_text
from common.runs.outcome import Outcome
from common.runs.spec import RESULTS, SUMMARY, RunSpec
from common.runs.sweep_table import row, score_name
from common.sweeps.listener import Listener

EVERY_S = 20.0


class Results:
    """The ends of the runs so far.

    Args:
        folder: the sweep's.
        specs: all its runs.
        score: the number that ranks runs where their results do not say so themselves; higher is better.
        ended: what earlier starts did.
        listener: is called at every end and every save.
    """

    def __init__(
        self,
        folder: Path,
        specs: Sequence[RunSpec],
        score: str,
        ended: Mapping[int, Outcome],
        listener: Listener | None = None,
    ) -> None:
        self._folder, self._specs, self._default = folder, list(specs), score
        self._by_index = {spec.index: spec for spec in specs}
        self._listener = listener or Listener()
        self.ended = dict(ended)
        self._columns = {index: result_columns(outcome.result, score) for index, outcome in ended.items()}
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        self._clock = self._saved = time.monotonic()

    def add(self, outcome: Outcome) -> bool:
        """Take over the end of a run; False if it was known already."""
        if outcome.index in self.ended:
            return False
        self.ended[outcome.index] = outcome
        self._columns[outcome.index] = result_columns(outcome.result, self._default)
        self._listener.ended(self._by_index[outcome.index], outcome)
        return True

    @property
    def score(self) -> str:
        """The column that ranks the runs."""
        return score_name(self._columns.values(), self._default)

    def count(self, status: str) -> int:
        """How many runs ended so."""
        return sum(outcome.status == status for outcome in self.ended.values())

    def best(self) -> tuple[float, RunSpec] | None:
        """The best score and its run; the first of equal ones, in the sweep's order."""
        best: tuple[float, RunSpec] | None = None
        for spec in self._specs:
            value = self._columns.get(spec.index, {}).get("score")
            if isinstance(value, (int, float)) and (best is None or value > best[0]):
                best = (float(value), spec)
        return best

    def save(self, status: str, **facts: Any) -> None:
        """Write both files. `status`: running, done, failed or interrupted."""
        write_text(self._folder / RESULTS, results_csv(self._specs, self.ended, self._default))
        best, score = self.best(), self.score
        done, failed = self.count("done"), self.count("failed")
        write_json(
            self._folder / SUMMARY,
            {
                "status": status,
                "runs": len(self._specs),
                "done": done,
                "failed": failed,
                "waiting": len(self._specs) - done - failed,
                "score": score,
                "best": None if best is None else {"run": best[1].folder, score: best[0], **best[1].columns},
                "started": self._started,
                "updated": datetime.now(UTC).isoformat(timespec="seconds"),
                "seconds": round(time.monotonic() - self._clock, 1),
                "run_seconds": round(sum(outcome.seconds for outcome in self.ended.values()), 1),
                **facts,
            },
        )
        self._saved = time.monotonic()
        self._listener.saved()

    def save_if_due(self, **facts: Any) -> None:
        """Write them if the last time was a while ago."""
        if time.monotonic() - self._saved > EVERY_S:
            self.save("running", **facts)


def results_csv(specs: Sequence[RunSpec], ended: Mapping[int, Outcome], score: str = "") -> str:
    """A row per run in the sweep's order; everything but the column `seconds` depends on the settings alone."""
    rows = [row(spec, ended.get(spec.index), score) for spec in specs]
    names: dict[str, None] = dict.fromkeys(("index", "run", "status"))
    names |= {name: None for spec in specs for name in spec.columns}
    names |= {name: None for entry in rows for name in entry if name not in ("seconds", "reason")}
    names |= {"seconds": None, "reason": None}
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(names), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
