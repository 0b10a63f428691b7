"""Write the list of the study's jobs from its folder in the bucket (`psa-sagemaker-reconstruct-jobs`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, add_options, option
from common.errors import InputError
from psa_resmlp.sagemaker.aws import aws_command
from psa_resmlp.sagemaker.bucket import Bucket
from psa_resmlp.sagemaker.job_list import FILE, Listing, listing, read_jobs, write_jobs
from psa_resmlp.sagemaker.options import AccountConfig, settings
from psa_resmlp.sagemaker.words import SHOWN, counted, some

PROG = "psa-sagemaker-reconstruct-jobs"
DESCRIPTION = f"""\
Write the names of the jobs that have a folder in the bucket into a text file, one a line, for --jobs-file of the other
commands. An older file is replaced; names that only the older file had are printed.

example: psa-sagemaker-reconstruct-jobs --bucket my-bucket
         588 jobs in s3://my-bucket/psa-resmlp: written {FILE}
"""


@dataclass(frozen=True, kw_only=True)
class ListConfig(AccountConfig):
    """Output"""

    output: Path = option(FILE, "text file for the names", local=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-reconstruct-jobs`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, ListConfig)
    given = vars(parser.parse_args(argv))
    return aws_command(PROG, lambda: _work(settings(ListConfig, given)))


def _work(config: ListConfig) -> int:
    before = _names_before(config.output)
    bucket = Bucket.open(config)
    found = listing(bucket, quiet=config.quiet)
    write_jobs(config.output, found.jobs)
    if not config.quiet:
        print("\n".join(_report(config, bucket, found, before)))
    return 0


def _names_before(file: Path) -> list[str]:
    """The names in the file to be replaced; none if it is missing or empty.

    Raises:
        InputError: it is not a list of jobs, so it is kept.
    """
    if not file.exists() or (file.is_file() and not file.stat().st_size):
        return []
    try:
        return [name.text for name in read_jobs(file)]
    except InputError:
        raise InputError(f"{file} is not a list of jobs and is kept; name another file with --output") from None


def _report(config: ListConfig, bucket: Bucket, found: Listing, before: Sequence[str]) -> list[str]:
    """The lines to print: how many jobs, the first names, and what was left out."""
    names = [name.text for name in found.jobs]
    lines = [f"{counted(len(names), 'job')} in {bucket.uri()}: written {config.output}"]
    lines += [f"  {name}" for name in names[:SHOWN]]
    lines += [f"  ... and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    gone = [name for name in before if name not in set(names)]
    if found.others:
        lines.append(f"{counted(len(found.others), 'folder')} left out, not a job's name: {some(found.others)}")
    if found.foreign:
        lines.append(f"{counted(len(found.foreign), 'folder')} left out, of another study: {some(found.foreign)}")
    if gone:
        lines.append(f"{counted(len(gone), 'name')} of the old file removed: {some(gone)}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
