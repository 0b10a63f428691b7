"""Read run folders: one run, or a table of many."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.runs import metrics
from common.runs.files import read_lines
from common.runs.folder import META, existing_folder
from common.runs.matching import matching

if TYPE_CHECKING:
    import pandas as pd

STALE_S = 600.0


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
    def metrics(self) -> pd.DataFrame:
        """metrics.csv, one row per epoch; a torn last row is left out."""
        import pandas as pd

        lines = read_lines(self.folder / metrics.NAME)
        return pd.read_csv(io.StringIO("\n".join(lines))) if lines else pd.DataFrame()

    def array(self, name: str) -> NDArray[Any]:
        """An array of the run by its file name, with or without .npy."""
        path = self.folder / (name if name.endswith(".npy") else f"{name}.npy")
        if not path.is_file():
            raise InputError(f"run {self.folder}: no array {path.name} in it")
        loaded: NDArray[Any] = np.load(path, allow_pickle=False)
        return loaded


def load_run(path: str | Path) -> RunRecord:
    """Read a run folder (a link such as results/<package>/latest will do).

    Raises:
        InputError: no run in that folder, or its run_meta.json is damaged.
    """
    folder = existing_folder(path)
    meta = read_meta(folder)
    return RunRecord(folder, meta, "dead" if _is_dead(meta) else str(meta.get("status")))


def load_runs(pattern: str | Iterable[str | Path]) -> pd.DataFrame:
    """A table of all runs that match a path or a glob pattern (or of the folders given), a row per run.

    Columns: run (folder name), folder, status, the config's options, and from metrics.csv the last row, each column
    with `final_` in front. Folders without a run are left out; of a damaged one there are status and reason.
    """
    import pandas as pd

    paths = matching(pattern) if isinstance(pattern, str) else list(pattern)
    rows: list[dict[str, Any]] = []
    for path in map(Path, paths):
        if not (path / META).is_file():
            continue
        try:
            record = load_run(path)
            last = record.metrics.tail(1).to_dict("records")
        except InputError as problem:
            rows.append({"run": path.name, "folder": str(path), "status": "damaged", "reason": str(problem)})
            continue
        final = {f"final_{name}": value for name, value in (last[0] if last else {}).items()}
        rows.append({"run": path.name, "folder": str(path), "status": record.status, **record.config, **final})
    return pd.DataFrame(rows)


def read_meta(folder: Path) -> dict[str, Any]:
    """run_meta.json of a folder.

    Raises:
        InputError: it is no JSON object.
    """
    try:
        meta = json.loads((folder / META).read_text())
    except ValueError as problem:
        raise InputError(f"run folder {folder}: {META} is damaged ({problem})") from None
    if not isinstance(meta, dict) or "config" not in meta:
        raise InputError(f"run folder {folder}: {META} describes no run")
    return meta


def _is_dead(meta: dict[str, Any]) -> bool:
    if meta.get("status") != "running":
        return False
    if meta.get("host") == socket.gethostname():
        return not _alive(int(meta["pid"]))
    # Another machine's processes cannot be seen from here: its heartbeat must do.
    age = datetime.now(UTC) - datetime.fromisoformat(meta["heartbeat"])
    return age.total_seconds() > STALE_S


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, and belongs to someone else
        return True
    return True
