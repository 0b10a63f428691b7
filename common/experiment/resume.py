"""What a resumed run keeps and what may change: options marked `local`, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.experiment.experiment import Experiment
from common.experiment.options import Options
from common.plugins import add_search_path, digests, recorded_folders
from common.runs import load_run
from common.values import shown


def resumed(experiment: Experiment, folder: Path, given: Mapping[str, Any]) -> Any:
    """The configuration of the run in a folder, with those options of a command line that may change.

    An option that the version of the run did not have gets its default, which is what that version did.

    Raises:
        InputError: the run is another command's, is running, or is done; or an option differs that may not.
    """
    record = load_run(folder)
    where = f"run folder {folder}"
    package, job = record.meta.get("package"), record.meta.get("job")
    if package != experiment.package or job not in (experiment.job, *experiment.jobs):
        raise InputError(f"{where}: was not made by {experiment.prog} but by {package}, {job}")
    if record.status == "running":
        raise InputError(f"{where}: process {record.meta['pid']} is still running it")
    add_search_path(recorded_folders(record.meta.get("plugins") or {}))
    before = {name: value for name, value in record.config.items() if name not in experiment.gone}
    unknown = sorted(set(before) - set(experiment.options.marks()))
    if unknown:
        raise InputError(f"{where}: was not made by {experiment.prog} of this version (it has an option {unknown[0]})")
    config, changed = with_changes(experiment.options, before, given)
    _compare_digests(record.meta.get("plugin_digests") or {})
    if record.status == "done" and not changed - {"quiet"}:
        raise InputError(f"{where}: is done; there is nothing to go on with")
    return config


def _compare_digests(before: Mapping[str, str]) -> None:
    """Warn of users' own files that are no longer what the run began with."""
    now = digests()
    for name, digest in before.items():
        if now.get(name, digest) != digest:
            warnings.warn(f"{name} has changed since the run began; its numbers may be of both", stacklevel=2)


def with_changes(options: Options, before: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Any, set[str]]:
    """The configuration of recorded options with those of a command line over them, and the names of what changes.

    Raises:
        InputError: an option differs that may not.
    """
    marks = options.marks()
    earlier = options.recorded(options.over(before, {}))
    config = options.over(before, given)
    now = options.recorded(config)
    changed = [name for name in now if now[name] != earlier[name]]
    for name in changed:
        _check_change(name, marks[name], earlier[name], now[name])
    return config, set(changed)


def _check_change(name: str, marks: Mapping[str, Any], before: Any, now: Any) -> None:
    flag = "--" + name.replace("_", "-")
    if marks["grows"] and now < before:
        raise InputError(f"{flag} {now} is less than the run's {before}; a resumed run may only raise it")
    if not marks["local"]:
        raise InputError(f"{flag} {shown(now)} differs from the run's {shown(before)}; start a new run")
