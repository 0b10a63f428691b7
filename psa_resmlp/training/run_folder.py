"""The run folder of psa-train."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.runs import load_run, new_folder
from common.runs.folder import META
from psa_resmlp.training.config import TrainConfig

PACKAGE, JOB = "psa_resmlp", "train"


def has_begun(meta: Mapping[str, Any]) -> bool:
    """Whether that run_meta.json records the last meta-loop, which is written before any training."""
    return "last_meta_loop" in meta


def run_folder(config: TrainConfig, chosen: Path | None) -> Path:
    """Make the folder of a new run; a folder whose run ended before any training may be used again.

    Raises:
        InputError: as `common.runs.new_folder`.
    """
    if chosen is not None and (chosen / META).is_file():
        record = load_run(chosen)
        names = record.meta.get("package"), record.meta.get("job")
        if names == (PACKAGE, JOB) and record.status != "running" and not has_begun(record.meta):
            return chosen
    return new_folder(PACKAGE, JOB, config.seed or 0, chosen)
