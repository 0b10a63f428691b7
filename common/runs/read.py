"""Read run folders: one run, or a table of many."""

from __future__ import annotations

import io
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from common.errors import InputError
from common.inputs import read_array, read_json, shorten
from common.runs import metrics
from common.runs.columns import plain_columns
from common.runs.files import read_lines
from common.runs.folder import META, existing_folder
from common.runs.last_row import plain_last_row
from common.runs.lock import RUN_LOCK, is_held
from common.runs.matching import matching
from common.runs.process import age_s, is_alive
from common.runs.result import FINAL, read_result

if TYPE_CHECKING:
    import pandas as pd

STALE_S = 600.0
# What run_meta.json must hold where it holds something: readers rely on it.
KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("config", "git", "packages"), (dict,)),
    **dict.fromkeys(("status", "reason", "package", "job", "host", "started", "ended", "heartbeat"), (str,)),
    **dict.fromkeys(("command", "resumed"), (list,)),
    "pid": (int,),
}


@dataclass(frozen=True)
class RunRecord:
    """A run as it lies on disk.

    Attributes:
        folder: its folder.
        meta: run_meta.json.
        status: done, failed, interrupted, running, or dead (it says running, and its process is gone).
    """

    folder: Path
    meta: dict[str, Any]
    status: str

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration, by option name."""
        return dict(self.meta["config"])

    @property
    def result(self) -> dict[str, Any]:
        """The numbers that the run ended with, by column (`common.runs.result`); empty while it has none."""
        result = read_result(self.meta)
        return {} if result is None else result.columns()

    @property
    def metrics(self) -> pd.DataFrame:
        """metrics.csv, one row per epoch; a torn last row is left out.

        Raises:
            InputError: it is no table.
        """
        import pandas as pd

        lines = read_lines(self.folder / metrics.NAME)
        try:
            return pd.read_csv(io.StringIO("\n".join(lines))) if lines else pd.DataFrame()
        except (ValueError, OverflowError) as problem:  # what pandas' parsers raise
            reason = shorten(" ".join(str(problem).split()))
            raise InputError(f"run folder {self.folder}: {metrics.NAME} is damaged ({reason})") from None

    def array(self, name: str) -> NDArray[Any]:
        """An array of the run by its file name, with or without .npy."""
        path = self.folder / (name if name.endswith(".npy") else f"{name}.npy")
        if not path.is_file():
            raise InputError(f"run {self.folder}: no array {path.name} in it")
        return read_array(path, "array")


def load_run(path: str | Path) -> RunRecord:
    """Read a run folder (a link such as results/<package>/latest will do).

    Raises:
        InputError: no run in that folder, or its run_meta.json is damaged.
    """
    return _record(existing_folder(path))


def load_runs(pattern: str | Iterable[str | Path]) -> pd.DataFrame:
    """A table of all runs that match a path or a glob pattern (or of the folders given), a row per run.

    Columns: run (folder name), folder, status, the config's options, the last row of metrics.csv, each of its columns
    with `final_` in front, and the result (`common.runs.result`): score, score_name, final_..., selected_...,
    selected_epoch, selected_on. Accuracies of results are fractions. Folders without a run are left out; of a damaged
    one there are status and reason.
    """
    import pandas as pd

    paths = matching(pattern) if isinstance(pattern, str) else list(pattern)
    rows: list[dict[str, Any]] = []
    for path in map(Path, paths):
        if not (path / META).is_file():
            continue
        try:
            record = _record(path)
            measured = {f"{FINAL}_{name}": value for name, value in _last_row(record).items()}
            measured |= plain_columns(record.result)
        except InputError as problem:
            rows.append({"run": path.name, "folder": str(path), "status": "damaged", "reason": str(problem)})
            continue
        rows.append({"run": path.name, "folder": str(path), "status": record.status, **record.config, **measured})
    return pd.DataFrame(rows)


def _record(folder: Path) -> RunRecord:
    meta = read_meta(folder)
    return RunRecord(folder, meta, _status(folder, meta))


def _last_row(record: RunRecord) -> Mapping[Hashable, Any]:
    """The last row of metrics.csv; empty before the first epoch. InputError as `RunRecord.metrics`."""
    row = plain_last_row(record.folder)
    if row is not None:
        return row  # type: ignore[return-value]
    last = record.metrics.tail(1).to_dict("records")
    return last[0] if last else {}


def read_meta(folder: Path) -> dict[str, Any]:
    """run_meta.json of a folder.

    Raises:
        InputError: it describes no run, or something in it is not of the kind that it must be.
    """
    meta = read_json(folder / META, "run folder")
    if meta.get("config") is None:
        raise InputError(f"run folder {folder}: {META} describes no run")
    for name, kinds in KINDS.items():
        if not isinstance(meta.get(name), (*kinds, type(None))):
            raise InputError(f"run folder {folder}: {META} is damaged ({name} is {shorten(repr(meta[name]))})")
    if meta.get("git") and not {"commit", "dirty"} <= set(meta["git"]):
        raise InputError(f"run folder {folder}: {META} is damaged (git has no commit)")
    if meta.get("status") == "running" and age_s(meta.get("heartbeat")) == float("inf"):
        raise InputError(f"run folder {folder}: {META} is damaged (heartbeat is {meta.get('heartbeat')!r}, no date)")
    return meta


def _status(folder: Path, meta: dict[str, Any]) -> str:
    status = str(meta.get("status"))
    # The lock's heartbeat comes from a thread, the other one from the work, which may take long in one place.
    if status != "running" or is_alive(meta, STALE_S) or is_held(folder / RUN_LOCK):
        return status
    return "dead"
