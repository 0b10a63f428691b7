"""The jobs that a command works on: those of a file, or those that have a folder in the bucket."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.cli import option
from common.errors import InputError
from common.inputs import shorten
from common.progress import Progress
from common.runs.files import write_text
from psa_resmlp.sagemaker import study as studies
from psa_resmlp.sagemaker.aws import Account
from psa_resmlp.sagemaker.bucket import Bucket
from psa_resmlp.sagemaker.names import PREFIX, JobName, parse_job_name
from psa_resmlp.sagemaker.options import AccountConfig
from psa_resmlp.study.reading import text_of

# Where commands write their output, unless an option names another place.
OUTPUT = Path("results/psa_sagemaker")
FILE = OUTPUT / "requested-jobs.txt"


@dataclass(frozen=True, kw_only=True)
class JobsConfig(AccountConfig):
    """Which jobs"""

    jobs_file: Path | None = option(
        None, "text file with names of jobs, one a line (default: the jobs that have a folder in the bucket)"
    )


@dataclass(frozen=True)
class Listing:
    """The folders in a study's folder whose names begin with PREFIX, in alphabetical order.

    Attributes:
        study: study.json; None if there is none.
        jobs: the study's jobs; all jobs where there is no study.json, as in a folder of the published program.
        foreign: jobs of another study.
        others: folders whose names are not those of jobs.
    """

    study: dict[str, Any] | None
    jobs: list[JobName]
    foreign: list[str]
    others: list[str]


def requested(config: JobsConfig) -> tuple[Account, list[JobName], str]:
    """The account, the jobs, and the source of their names: --jobs-file, which needs no bucket, else the bucket.

    Raises:
        InputError: the file or the settings are wrong, or there is no job.
    """
    if config.jobs_file is not None:
        names = read_jobs(config.jobs_file)
        return Account(config.region), names, str(config.jobs_file)
    bucket = Bucket.open(config)
    return bucket.account, listing(bucket, quiet=config.quiet).jobs, bucket.uri()


def listing(bucket: Bucket, *, quiet: bool = False) -> Listing:
    """The jobs that have a folder in the study's folder.

    Raises:
        InputError: there is no job, or study.json is damaged.
    """
    study = studies.read(bucket)
    with Progress(0, quiet=quiet) as bar:
        folders = bucket.folders(lambda found: bar.describe(f"{found} folders in {bucket.uri()}"))
    named = {folder: parse_job_name(folder) for folder in sorted(folders) if folder.startswith(PREFIX)}
    jobs = [name for name in named.values() if name and (study is None or name.study == study["id"])]
    if not jobs:
        raise InputError(f"{bucket.uri()} has no job yet; psa-sagemaker-run starts some, or name another --prefix")
    of_study = set(jobs)
    foreign = [folder for folder, name in named.items() if name and name not in of_study]
    return Listing(study, jobs, foreign, [folder for folder, name in named.items() if name is None])


def read_jobs(file: Path) -> list[JobName]:
    """The jobs that a text file names, one a line; empty lines and those that start with # are left out.

    Raises:
        InputError: it cannot be read, names no job, or a line is not a job's name.
    """
    text = text_of(file, "list of jobs", "psa-sagemaker-reconstruct-jobs writes one")
    lines = [line.strip() for line in text.splitlines()]
    names = []
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#"):
            name = parse_job_name(line)
            if name is None:
                raise InputError(
                    f"{file}, line {number}: {shorten(repr(line))} is not a job's name, "
                    "such as psa-18x18-none-1a2b3c4d-01"
                )
            names.append(name)
    if not names:
        raise InputError(f"list of jobs {file} is empty; psa-sagemaker-reconstruct-jobs writes one")
    return list(dict.fromkeys(names))


def write_jobs(file: Path, names: Iterable[JobName]) -> None:
    """Write a file for `read_jobs`, in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, "".join(f"{name.text}\n" for name in names))


def common_part(names: Sequence[JobName]) -> str:
    """A string that all the names contain, to filter SageMaker's list of jobs: the study's identity, if it is one."""
    found = {name.study for name in names}
    return found.pop() if len(found) == 1 and "" not in found else PREFIX
