"""The study's tables from the results in the bucket (`psa-sagemaker-results-parser`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, add_options, option
from common.runs.files import write_text
from common.runs.folder import make_writable
from psa_resmlp.sagemaker import study as studies
from psa_resmlp.sagemaker.aws import aws_command
from psa_resmlp.sagemaker.bucket import Bucket
from psa_resmlp.sagemaker.gather import NOTHING, Left, chosen, jobs_csv, read_job, study_of, write_runs
from psa_resmlp.sagemaker.job_list import OUTPUT, JobsConfig, listing, read_jobs
from psa_resmlp.sagemaker.options import settings
from psa_resmlp.sagemaker.pool import each
from psa_resmlp.study.architectures import FAMILIES
from psa_resmlp.tables.files import write_study

PROG = "psa-sagemaker-results-parser"
DESCRIPTION = f"""\
Read the results of all jobs from the bucket and write the tables that psa-sweep writes: psa_resmlp_summary.md and
psa_resmlp_trials.md, both also as .csv. Also writes jobs.csv, with the state of every job's results, and runs/, from
which psa-make-convergence-plots draws. Of several jobs of an architecture and mode the latest with results counts.
Results of the published program are read too.

example: psa-sagemaker-results-parser && psa-make-convergence-plots {OUTPUT}/runs --targets "18*18"
"""


@dataclass(frozen=True, kw_only=True)
class ResultsConfig(JobsConfig):
    """What to read and write"""

    output_dir: Path = option(OUTPUT, "folder for the tables")
    family: str | None = option(
        None,
        "family of the networks in the published program's jobs (default: resmlp); ours record it",
        choices=FAMILIES,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-results-parser`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, ResultsConfig)
    given = vars(parser.parse_args(argv))
    return aws_command(PROG, lambda: _work(settings(ResultsConfig, given)))


def _work(config: ResultsConfig) -> int:
    bucket = Bucket.open(config)
    if config.jobs_file is None:
        found = listing(bucket, quiet=config.quiet)
        jobs, facts = found.jobs, found.study
    else:
        jobs, facts = read_jobs(config.jobs_file), studies.read(bucket)
    make_writable(config.output_dir, "folder for tables", "name another with --output-dir")
    family = str(facts["settings"]["family"]) if facts else config.family or "resmlp"
    reading = each(jobs, lambda job: read_job(bucket, job, family), "results", quiet=config.quiet)
    return write([left for _, left in reading], family, config.output_dir, quiet=config.quiet)


def write(every: Sequence[Left], family: str, folder: Path, *, quiet: bool) -> int:
    """Write tables, jobs.csv and run folders; returns the exit code: 1 if results are damaged.

    Raises:
        OSError: the folder cannot be written.
    """
    used = chosen(every)
    write_text(folder / "jobs.csv", jobs_csv(every, used))
    if used:
        write_study(folder, study_of(used, family))
        write_runs(folder / "runs", used)
    damaged = sorted((one for one in every if one.is_damaged), key=lambda one: one.job.text)
    for one in damaged:
        print(f"{one.job.text}: {one.problem}", file=sys.stderr)
    if not quiet:
        yet = sum(one.problem == NOTHING for one in every)
        trials = sum(len(one.trials) for one in used)
        print(f"{len(every)} jobs: {yet} without results yet, {len(damaged)} damaged")
        print(f"{trials} trials of {len(used)} architectures and modes: tables in {folder}" if used else "no tables")
    return 1 if damaged else 0


if __name__ == "__main__":
    sys.exit(main())
