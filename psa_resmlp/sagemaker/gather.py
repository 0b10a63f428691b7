"""Read the results of all jobs of a study from the bucket, for the study's tables."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import InputError
from common.runs.files import atomic_writer
from psa_resmlp.sagemaker.bucket import MODEL, OUTPUT, Bucket
from psa_resmlp.sagemaker.names import JobName, by_cell
from psa_resmlp.sagemaker.results import OLD_RESULTS, RESULTS, Damaged, read_members, trials_of
from psa_resmlp.tables.study import Study, Trial

# The files of a run folder that psa-make-convergence-plots and common.runs.load_run read.
RUN_FILES = ("metrics.csv", "run_meta.json")
IN_MEMORY_BYTES = 8_000_000
COLUMNS = ("job", "architecture", "mode", "order", "trials", "in_tables", "problem")
NOTHING = "no results yet"


@dataclass(frozen=True)
class Left:
    """The results of a job, or why there are none.

    Attributes:
        job: its name.
        trials: its results; empty if there are none.
        problem: why there are none; "" if there are some.
        files: files of its run folder, by name.
    """

    job: JobName
    trials: tuple[Trial, ...] = ()
    problem: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def is_damaged(self) -> bool:
        """Whether there are results that cannot be read."""
        return self.problem not in ("", NOTHING)


def read_job(bucket: Bucket, job: JobName, family: str) -> Left:
    """Fetch and read a job's results; missing or damaged ones give a `problem`, not an exception."""
    # MODEL can be a gigabyte. Only the published program has its results in that archive.
    for path in (OUTPUT,) if job.study else (OUTPUT, MODEL):
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
            if not bucket.download(path_of(job, path), file):
                continue
            file.seek(0)
            try:
                members = read_members(file, (RESULTS, OLD_RESULTS, *RUN_FILES))
                trials = trials_of(members, job.cell, family)
                Study(family, {}).add_all(job.cell.architecture, job.cell.mode, trials)  # are they possible?
            except (Damaged, InputError) as problem:
                return Left(job, problem=f"{path}: {problem}")
            if trials:
                return Left(job, tuple(trials), "", {name: members[name] for name in RUN_FILES if name in members})
    return Left(job, problem=NOTHING)


def path_of(job: JobName, path: str) -> str:
    """The path of a job's object in the study's folder."""
    return f"{job.text}/{path}"


def chosen(every: Iterable[Left]) -> list[Left]:
    """The latest job with results of every architecture and mode."""
    left = {one.job: one for one in every if one.trials}
    return [left[jobs[-1]] for jobs in by_cell(left).values()]


def study_of(every: Sequence[Left], family: str) -> Study:
    """The chosen jobs' trials as a study."""
    study = Study(family)
    for one in every:
        study.add_all(one.job.cell.architecture, one.job.cell.mode, one.trials)
    return study


def write_runs(folder: Path, every: Sequence[Left]) -> int:
    """Write the run folders of the chosen jobs, one per architecture and mode; returns how many."""
    written = [one for one in every if len(one.files) == len(RUN_FILES)]
    for one in written:
        target = folder / one.job.cell.folder
        target.mkdir(parents=True, exist_ok=True)
        for name, content in one.files.items():
            with atomic_writer(target / name) as stream:
                stream.write(content)
    return len(written)


def jobs_csv(every: Sequence[Left], used: Sequence[Left]) -> str:
    """One row per job, with COLUMNS."""
    in_tables = {one.job for one in used}
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in sorted(every, key=lambda one: one.job.text):
        cell = one.job.cell
        use = "yes" if one.job in in_tables else "no"
        writer.writerow(
            [one.job.text, cell.architecture.name, cell.mode, one.job.order, len(one.trials), use, one.problem]
        )
    return buffer.getvalue()
