"""Fetch the logs of the jobs (`psa-sagemaker-get-training-logs`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, add_options, option
from common.errors import InputError
from common.runs.folder import make_writable
from psa_resmlp.sagemaker.aws import aws_command
from psa_resmlp.sagemaker.job_list import FILE, OUTPUT, JobsConfig, common_part, requested, write_jobs
from psa_resmlp.sagemaker.jobs import statuses
from psa_resmlp.sagemaker.log_download import fetch_logs
from psa_resmlp.sagemaker.options import settings
from psa_resmlp.sagemaker.words import some

PROG = "psa-sagemaker-get-training-logs"
LOGS = OUTPUT / "logs"
DESCRIPTION = """\
Fetch the logs of the jobs from CloudWatch: a folder for every job with a file for every log stream; a job that was
interrupted has several. Logs of jobs that have ended are fetched once, those of running jobs again each time.

example: psa-sagemaker-get-training-logs
         588 jobs: 580 fetched, 0 already here, 8 without a log        in some minutes
"""


@dataclass(frozen=True, kw_only=True)
class LogsConfig(JobsConfig):
    """What to fetch and where to put it"""

    output_dir: Path = option(LOGS, "folder in which every job gets a folder")
    force: bool = option(False, "fetch all logs again")
    reconstruct_jobs: bool = option(False, f"first write {FILE}, as psa-sagemaker-reconstruct-jobs does")

    def check(self) -> None:
        """Raise InputError if both options name the jobs."""
        super().check()
        if self.reconstruct_jobs and self.jobs_file is not None:
            raise InputError("--jobs-file names the jobs, --reconstruct-jobs finds them; give one of them")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-get-training-logs`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, LogsConfig)
    given = vars(parser.parse_args(argv))
    return aws_command(PROG, lambda: _work(settings(LogsConfig, given)))


def _work(config: LogsConfig) -> int:
    account, jobs, _ = requested(config)
    if config.reconstruct_jobs:
        write_jobs(FILE, jobs)
    make_writable(config.output_dir, "folder for logs", "name another with --output-dir")
    known = statuses(account, common_part(jobs))
    found = fetch_logs(account, jobs, known, config.output_dir, force=config.force, quiet=config.quiet)
    if not config.quiet:
        counts = f"{len(found.fetched)} fetched, {len(found.here_before)} already here"
        if found.without_log:
            print(f"no log yet: {some(found.without_log)}")
        print(f"{len(jobs)} jobs: {counts}, {len(found.without_log)} without a log")
    return 0


if __name__ == "__main__":
    sys.exit(main())
