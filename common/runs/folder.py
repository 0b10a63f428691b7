"""Where a run lives: a name of its own, and a link to the newest."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

from common.errors import InputError
from common.runs.files import remove_temporaries, temporary
from common.runs.lock import RUN_LOCK, is_held, refusal
from common.values import check_path

META = "run_meta.json"


def new_folder(package: str, job: str, seed: int, run_dir: str | Path | None = None) -> Path:
    """Make the folder of a new run and return it.

    `run_dir`, else $RUN_DIR, else results/<package>/runs/<YYYYMMDD-HHMMSS>_<job>_seed-<n>, with a number behind it
    where two runs start in one second. In the last case results/<package>/latest links to it.

    Raises:
        InputError: the folder is a file, holds a run already, or cannot be made or written.
    """
    chosen = run_dir or os.environ.get("RUN_DIR")
    if chosen:
        return _claim(check_path(Path(chosen)))
    base = Path("results") / package
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    folder = _first_free(base / "runs", f"{stamp}_{job}_seed-{seed}")
    _link_latest(base / "latest", folder)
    return folder


def existing_folder(path: str | Path) -> Path:
    """The folder of an earlier run, for reading or resuming.

    Raises:
        InputError: there is no run in it.
    """
    folder = Path(path)
    if not (folder / META).is_file():
        raise InputError(f"run folder {folder}: no {META} in it; name the folder of a run")
    return folder


def _claim(folder: Path) -> Path:
    if is_held(folder / RUN_LOCK):
        raise refusal(folder / RUN_LOCK, "run folder")
    if (folder / META).exists():
        raise InputError(
            f"run folder {folder}: holds a run already; go on with it by --resume {folder}, or name another"
        )
    return make_writable(folder, "run folder", "name a folder that can be written")


def make_writable(folder: Path, what: str, advice: str) -> Path:
    """Make a folder if it is missing, and see that it can be written.

    Args:
        folder: which.
        what, advice: begin and end of the message if it cannot.

    Raises:
        InputError: it is a file, or cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_temporaries(folder)
        probe = temporary(folder / "probe")
        probe.touch()
        probe.unlink()
    except OSError as problem:
        reason = "is a file" if folder.is_file() else f"cannot be written ({problem.strerror})"
        raise InputError(f"{what} {folder}: {reason}; {advice}") from None
    return folder


def _first_free(parent: Path, name: str) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        attempt = 1
        while True:
            folder = parent / (name if attempt == 1 else f"{name}_{attempt}")
            with contextlib.suppress(FileExistsError):  # mkdir is the lock: of two that try, one gets the name
                folder.mkdir()
                return folder
            attempt += 1
    except OSError as problem:
        raise InputError(f"run folder {parent}: cannot be made ({problem.strerror}); use --run-dir") from None


def _link_latest(link: Path, folder: Path) -> None:
    draft = temporary(link)
    try:
        remove_temporaries(link.parent)
        draft.symlink_to(os.path.relpath(folder, link.parent))
        os.replace(draft, link)
    except OSError:
        # A file system without links, or another file named latest: the link is a convenience, no run is lost.
        with contextlib.suppress(OSError):
            draft.unlink()
