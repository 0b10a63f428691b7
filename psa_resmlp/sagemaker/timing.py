"""Estimates of the time that jobs take: from jobs that have ended, or from a measurement on this machine.

Both fit the time of a meta-loop with the terms that psa-sweep --dry-run uses (`psa_resmlp.training.estimate`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import InputError
from common.inputs import shorten
from common.progress import Progress
from psa_resmlp.sagemaker.names import Cell
from psa_resmlp.study.architectures import Architecture, parse
from psa_resmlp.study.reading import rows_of, text_of
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.estimate import fit, measure, representatives, shares

# Columns of cost_report.csv that a fit needs.
COLUMNS = ("architecture", "family", "instance_type", "status", "trials", "meta_loops", "training_seconds")
FEWEST = 3


@dataclass(frozen=True)
class Estimate:
    """Seconds of training for every cell, their source, and the largest relative error of the fit."""

    seconds: dict[Cell, float]
    source: str
    error: float


def from_jobs(
    path: Path, cells: Sequence[Cell], shared: Mapping[str, Any], instance_type: str, overhead_s: float
) -> Estimate:
    """Estimate from completed jobs on the same kind of machine, as psa-sagemaker-cost-estimator lists them.

    Args:
        path: its cost_report.csv.
        cells: the cells to estimate.
        shared: the study's settings.
        instance_type: the kind of machine.
        overhead_s: seconds of a job that are not training.

    Raises:
        InputError: the file cannot be read, or has too few such jobs.
    """
    measured: dict[Architecture, list[float]] = {}
    for row in _rows(path):
        wanted = (row["status"], row["instance_type"], row["family"]) == ("Completed", instance_type, shared["family"])
        loops, whole = _numbers(path, row)
        if wanted and loops and whole:
            training = max(whole - overhead_s, whole / 10)  # the overhead of very short jobs is smaller
            measured.setdefault(parse(row["architecture"]), []).append(training / loops)
    if len(measured) < FEWEST:
        raise InputError(
            f"{path} has completed jobs of {len(measured)} architectures of {shared['family']} on {instance_type}, and "
            f"{FEWEST} are needed; leave out --timings for an estimate from this machine"
        )
    known = {one: float(np.median(values)) for one, values in measured.items()}
    loops = shared["trials"] * shared["meta_loops"]
    per_loop, error = _everywhere(known, [cell.architecture for cell in cells], shared["family"])
    return Estimate(
        {cell: loops * per_loop[cell.architecture] for cell in cells},
        f"jobs that ended on {instance_type} ({len(known)} architectures in {path})",
        error,
    )


def from_here(cells: Sequence[Cell], shared: Mapping[str, Any], cores: float, *, quiet: bool = True) -> Estimate:
    """Estimate from some training steps on one core of this machine, as if the other machine had `cores` such cores.

    Args:
        cells: the cells to estimate.
        shared: the study's settings.
        cores: number of cores of the other machine.
        quiet: show no bar. Measuring takes half a minute for the whole study.
    """
    from psa_resmlp.training.stacks import WIDE

    family, trials = shared["family"], shared["trials"]
    recipe = {name: shared[name] for name in ("family", "lr", "batch_size", "dataset")}
    together = max(1, math.ceil(trials / cores))
    chosen = representatives([cell.architecture for cell in cells], family)
    known = {}
    with Progress(len(chosen), quiet=quiet) as bar:
        for one in chosen:
            bar.describe(f"measuring {one}")
            known[one] = measure(one, TrainConfig(arch=str(one), **recipe), together)[0]
            bar.advance()
    per_loop, error = _everywhere(known, [cell.architecture for cell in cells], family)
    seconds = {}
    for cell in cells:
        # Narrow networks: every core trains some of the trials. Wide ones: all cores share every product.
        rounds = trials / cores if cell.architecture.width >= WIDE else together
        seconds[cell] = shared["meta_loops"] * rounds * per_loop[cell.architecture]
    return Estimate(seconds, f"{len(known)} architectures measured here on one core, for {cores:g} such cores", error)


def _everywhere(
    known: Mapping[Architecture, float], wanted: Sequence[Architecture], family: str
) -> tuple[dict[Architecture, float], float]:
    """Seconds per meta-loop and trial of every architecture, and the fit's largest relative error on the known ones."""
    per_share = fit(np.array([shares(one, family) for one in known]), np.array(list(known.values())))
    guess = {one: float(shares(one, family) @ per_share) for one in {*wanted, *known}}
    error = max(abs(guess[one] / seconds - 1) for one, seconds in known.items())
    return {one: known.get(one, guess[one]) for one in wanted}, error


def _numbers(path: Path, row: Mapping[str, str]) -> tuple[int, float]:
    """Meta-loops of all trials of a job, and its seconds; 0 where the table is empty."""
    try:
        loops = int(row["trials"] or 0) * int(row["meta_loops"] or 0)
        seconds = float(row["training_seconds"] or 0)
    except ValueError as problem:
        raise InputError(f"timings {path}: {shorten(str(problem))}") from None
    if not (0 <= loops < 2**63 and 0 <= seconds < math.inf):
        raise InputError(f"timings {path}: trials, meta_loops or training_seconds below 0 or too large")
    return loops, seconds


def _rows(path: Path) -> list[dict[str, str]]:
    advice = "psa-sagemaker-cost-estimator writes them"
    text = text_of(path, "timings", advice)
    return [row for _, row in rows_of(text, f"timings {path}", COLUMNS, advice)]
