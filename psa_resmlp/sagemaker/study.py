"""A study on SageMaker: its cells, the settings that its jobs share, and the prefix that belongs to it."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.cli import option
from common.errors import InputError
from psa_resmlp.sagemaker.bucket import STUDY, Bucket
from psa_resmlp.sagemaker.names import Cell
from psa_resmlp.study.architectures import chosen, parse_list
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.training.config import RecipeConfig

FORMAT = "psa_resmlp sagemaker 1"


@dataclass(frozen=True, kw_only=True)
class StudyConfig(RecipeConfig):
    """What is trained: a job for every architecture and mode"""

    arch: str | None = option(
        None, 'architectures with commas between them, e.g. "18*18,1*64" (default: the study\'s 98)'
    )
    config_file: Path | None = option(None, "text file with architectures instead, one a line", local=True)
    modes: tuple[str, ...] = option(MODE_NAMES, "modes", choices=MODE_NAMES)
    trials: int = option(10, "trials of every job", low=1, high=1000)
    meta_loops: int = option(100, "meta-loops of every trial", low=1)
    seed: int = option(0, "seed of the study", low=0)

    def check(self) -> None:
        """Raise InputError for settings that contradict each other."""
        super().check()
        if self.arch and self.config_file:
            raise InputError("--arch and --config-file both name architectures; give one of them")
        self.cells()

    def cells(self) -> list[Cell]:
        """Every architecture in every mode, in the study's order.

        Raises:
            InputError: an architecture cannot be read.
        """
        architectures = parse_list(self.arch) if self.arch else chosen(self.config_file)
        modes = [mode for mode in MODE_NAMES if mode in self.modes]
        return [Cell(architecture, mode) for architecture in dict.fromkeys(architectures) for mode in modes]

    def shared(self) -> dict[str, Any]:
        """The settings that results depend on, without architecture and mode, as JSON types."""
        names = [*(field.name for field in fields(RecipeConfig)), "trials", "meta_loops", "seed"]
        values = {name: getattr(self, name) for name in sorted(names)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def identity(bucket: Bucket, shared: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits for names of jobs: a hash of the study's settings, bucket and prefix."""
    text = json.dumps([bucket.name, bucket.prefix, dict(shared)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def read(bucket: Bucket) -> dict[str, Any] | None:
    """study.json of a prefix: id, settings, created; None if there is none.

    Raises:
        InputError: it is damaged, or another program wrote it.
    """
    found = bucket.read_json(STUDY)
    if found is not None and (not isinstance(found, dict) or found.get("format") != FORMAT):
        raise InputError(f"{bucket.uri(STUDY)} is of another program or version; use another --prefix")
    return found


def claim(bucket: Bucket, config: StudyConfig) -> str:
    """Reserve the prefix for this study, or check that it is; returns the study's identity.

    Raises:
        InputError: the prefix holds other objects, or a study with other settings.
    """
    found = read(bucket)
    if found is None:
        if bucket.is_empty():
            _write(bucket, config.shared())
        # Another launcher may have been faster than any of these three requests.
        found = read(bucket)
    if found is None:
        raise InputError(f"{bucket.uri()} holds objects but no study.json; use another --prefix")
    return check(bucket, config, found)


def check(bucket: Bucket, config: StudyConfig, found: Mapping[str, Any] | None) -> str:
    """The identity of the study, after checking its settings against study.json (None: not written yet).

    Raises:
        InputError: they differ; the message names the first difference.
    """
    shared = config.shared()
    for name, value in (found or {"settings": shared})["settings"].items():
        if shared.get(name) != value:
            raise InputError(
                f"{bucket.uri()} holds the study with --{name.replace('_', '-')} {_shown(value)}, not "
                f"{_shown(shared.get(name))}; give the same, or another --prefix"
            )
    return str(found["id"]) if found else identity(bucket, shared)


def rerun(bucket: Bucket, config: StudyConfig, *, dry_run: bool) -> Bucket:
    """A new prefix for the study: the first free one of <prefix>-rerun-2, -rerun-3, ...; reserved unless `dry_run`."""
    stem = re.sub(r"-rerun-\d+$", "", bucket.prefix)
    for number in itertools.count(2):
        beside = bucket.beside(f"{stem}-rerun-{number}")
        if beside.is_empty() and (dry_run or _write(beside, config.shared())):
            return beside
    raise AssertionError("counting does not end")


def _write(bucket: Bucket, shared: Mapping[str, Any]) -> bool:
    """Write study.json unless it exists; returns whether it was written."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"format": FORMAT, "id": identity(bucket, shared), "settings": dict(shared), "created": created}
    return bucket.put_once(STUDY, (json.dumps(facts, indent=2) + "\n").encode())


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
