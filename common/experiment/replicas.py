"""--replicas FILE: networks that train side by side in one process, each in a run folder of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.experiment.drive import Claim
from common.experiment.experiment import Experiment, Start
from common.inputs import parse_json, read_text
from common.runs import new_folder

REPLICAS_HELP = (
    "train many networks side by side: a file with one JSON object of options a line, e.g. "
    '{"seed": 1, "gamma": 0.3}; their folders are replica_0000, ... below the run folder'
)


def read_replicas(experiment: Experiment, file: Path, given: Mapping[str, Any]) -> list[Any]:
    """One configuration per line of the file, over what the command line says.

    Raises:
        InputError: a line is no JSON object of options, or there is none.
    """
    configs = []
    for number, line in enumerate(read_text(file, "--replicas").splitlines(), 1):
        if not line.strip():
            continue
        where = f"--replicas {file}, line {number}"
        settings = parse_json(line, where)
        try:
            configs.append(experiment.options.over({}, {**(experiment.replicas or {}), **given, **settings}))
        except InputError as problem:
            raise InputError(f"{where}: {problem}") from None
    if not configs:
        raise InputError(f"--replicas {file}: no settings in it")
    return configs


def replica_folders(experiment: Experiment, run_dir: Path | None, word: str) -> Claim:
    """Makes replica_0000, ... inside one new folder, once everything else has been checked."""

    def claim(configs: Sequence[Any], starts: Sequence[Start]) -> list[Path]:
        parent = new_folder(experiment.package, f"{experiment.job}_{word}s", 0, run_dir)
        return [new_folder("", "", 0, parent / f"{word}_{index:04d}") for index in range(len(configs))]

    return claim
