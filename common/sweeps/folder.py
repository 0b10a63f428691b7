"""The folder of a sweep: make it or go on with it, and read which of its runs have ended."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.inputs import read_json, read_text, shorten
from common.plugins import add_search_path, loaded, recorded_folders
from common.runs.files import write_json, write_text
from common.runs.folder import make_writable
from common.runs.origin import describe
from common.runs.outcome import BEGUN, FAILED, Outcome, read_outcome
from common.runs.spec import MANIFEST, RUNSPECS, RunSpec, check_specs, read_specs, write_specs

SCRATCH = ".scratch"
STREAMS = ("stdout.txt", "stderr.txt")
SCHEMA = 1
PLUGINS = "plugins"  # in the manifest: files of the users' own modules, by what named them


def make_folder(folder: Path) -> Path:
    """Make the folder if it is missing and see that it can be written; returns its absolute path.

    Raises:
        InputError: it is a file, holds other things, or belongs to someone else.
    """
    folder = make_writable(folder.absolute(), "sweep folder", "name another with --sweep-dir")
    if not (folder / RUNSPECS).exists() and any(folder.glob("*/run_meta.json")):
        raise InputError(f"sweep folder {folder}: holds runs of no sweep; name another with --sweep-dir")
    return folder


def search_own_modules(folder: Path) -> None:
    """Let this process find the users' own modules that an earlier start of the sweep has loaded.

    Raises:
        InputError: manifest.json cannot be read.
    """
    files = None
    with contextlib.suppress(OSError):  # reported where the folder is needed
        files = _manifest(folder).get(PLUGINS)
    if isinstance(files, dict) and all(isinstance(file, str) for file in files.values()):
        add_search_path(recorded_folders(files))


def settle_specs(folder: Path, specs: Sequence[RunSpec], facts: Mapping[str, Any]) -> list[RunSpec]:
    """The runs that belong into the folder from now on; writes manifest.json and runspecs.jsonl where they change.

    A folder that holds runs already keeps their numbers; what a larger grid adds comes after them.

    Raises:
        InputError: the folder holds a run that is not among `specs`, or one with other settings.
    """
    manifest = _manifest(folder)
    if manifest.get("function") not in (None, facts.get("function")):
        raise _another(folder, f"it calls {manifest['function']}, this one {facts.get('function')}")
    merged = merged_specs(folder, specs)
    if not manifest or not (folder / RUNSPECS).exists() or merged != read_specs(folder):
        write_specs(folder, merged)
        created = manifest.get("created", datetime.now(UTC).isoformat(timespec="seconds"))
        meta = {
            "schema_version": SCHEMA,
            "created": created,
            "runs": len(merged),
            **facts,
            PLUGINS: loaded(),
            "origin": describe(),
        }
        write_json(folder / MANIFEST, meta)
    return merged


def merged_specs(folder: Path, specs: Sequence[RunSpec]) -> list[RunSpec]:
    """The runs with the numbers that they have, or would get, in the folder; writes nothing. See `settle_specs`."""
    check_specs(specs)
    try:
        before = read_specs(folder) if (folder / RUNSPECS).exists() else []
    except OSError as problem:
        reason = f"cannot be read ({problem.strerror})"
        raise InputError(f"sweep folder {folder}: {reason}; name another with --sweep-dir") from None
    return _merge(folder, before, specs)


def finished(folder: Path, specs: Sequence[RunSpec], *, retry_failed: bool = False) -> dict[int, Outcome]:
    """The ends of the runs that are over, by index, from their own folders."""
    found = {}
    for spec in specs:
        outcome = read_outcome(folder / spec.folder, spec.index)
        if outcome is not None and not (retry_failed and outcome.status == "failed"):
            found[spec.index] = outcome
    return found


def prepare(folder: Path, spec: RunSpec, task_id: str) -> Path:
    """The folder of a run, ready for a start or a restart, with BEGUN in it, as messages may be lost with their worker.

    A run that failed by its own error starts anew, as its checkpoint may hold the cause; one that was stopped, took too
    long or lost its worker goes on from its checkpoint.
    """
    run = folder / spec.folder
    last = read_outcome(run, spec.index)
    if last is not None and last.status == "failed":
        if last.kind == "error":
            shutil.rmtree(run)
        else:
            (run / FAILED).unlink()
    run.mkdir(exist_ok=True)
    for stray in (path for name in STREAMS for path in run.glob(f".*.{name}")):  # of a worker that was killed
        stray.unlink()
    write_json(run / "run_spec.json", spec.run_json())
    write_text(run / BEGUN, f"{task_id}\n")
    return run


def has_begun(folder: Path, spec: RunSpec, task_id: str) -> bool:
    """Whether a task has begun with a run and not ended it."""
    with contextlib.suppress(InputError):
        return read_text(folder / spec.folder / BEGUN, "start") == f"{task_id}\n"
    return False


def clear_scratch(folder: Path) -> Path:
    """An empty folder for Dask's own files; what a killed launcher left there is removed."""
    scratch = folder / SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    return scratch


def _manifest(folder: Path) -> dict[str, Any]:
    return read_json(folder / MANIFEST, "sweep folder") if (folder / MANIFEST).exists() else {}


def _merge(folder: Path, before: Sequence[RunSpec], specs: Sequence[RunSpec]) -> list[RunSpec]:
    wanted = {spec.name: spec for spec in specs}
    for old in before:
        new = wanted.pop(old.name, None)
        if new is None:
            raise _another(folder, f"it has {shorten(old.folder)}, which this one lacks")
        mine, theirs = new.json()["config"], old.json()["config"]
        for name in sorted({*mine, *theirs}):
            if mine.get(name) != theirs.get(name):
                found, wanted_here = (shorten(str(config.get(name))) for config in (theirs, mine))
                raise _another(folder, f"{old.folder} has {shorten(name)} {found}, here it is {wanted_here}")
    if not before:
        return list(specs)
    first = 1 + max(old.index for old in before)
    published = {spec.name: spec.published for spec in specs}  # earlier versions did not write it
    kept = [replace(old, published=published[old.name]) for old in before]
    return [*kept, *(replace(spec, index=first + place) for place, spec in enumerate(wanted.values()))]


def _another(folder: Path, difference: str) -> InputError:
    return InputError(
        f"sweep folder {folder}: holds another sweep ({difference}); a grid may grow, not change: "
        "name another folder with --sweep-dir"
    )
