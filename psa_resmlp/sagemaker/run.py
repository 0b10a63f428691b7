"""Start the study as SageMaker jobs (`psa-sagemaker-run`)."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any

from common.cli import Parser, add_options
from common.datasets import data_files
from common.errors import InputError
from common.progress import Progress as Bar
from common.runs.signals import StopSignals
from psa_resmlp.sagemaker import study as studies
from psa_resmlp.sagemaker.aws import Account, aws_command
from psa_resmlp.sagemaker.bucket import Bucket
from psa_resmlp.sagemaker.code import Code, pack
from psa_resmlp.sagemaker.jobs import Progress, State, is_due, progress, statuses
from psa_resmlp.sagemaker.launch import Launcher, Tally
from psa_resmlp.sagemaker.names import JobName
from psa_resmlp.sagemaker.options import required, settings
from psa_resmlp.sagemaker.plan import describe
from psa_resmlp.sagemaker.request import DATA, default_image, training_job
from psa_resmlp.sagemaker.run_config import RunConfig

PROG = "psa-sagemaker-run"
NO_STUDY = "0" * 8  # in names of jobs where the study's identity is not known
DESCRIPTION = """\
Start one SageMaker job for every architecture and mode of the study, each with all its trials. A completed or running
job is never started again, so that the same command goes on after a break: it starts jobs that do not exist yet,
stopped ones from their checkpoints, and with --retry-failed failed ones too. Settings come from options, the
environment or .env (docs/sagemaker.md). The jobs go on when this command ends.

example: psa-sagemaker-run --dry-run                     jobs, hours and price, also without an account
         psa-sagemaker-run --arch "18*18,1*64" --capacity spot --wait ended
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-run`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, RunConfig)
    text = "the same as --modes, by the published program's name"
    parser.add_argument("--ablation-modes", nargs="+", action="extend", metavar="TEXT", help=text)
    given = vars(parser.parse_args(argv))
    words = given.pop("ablation_modes")
    if words:
        given["modes"] = tuple(part for word in words for part in word.split(","))
    return aws_command(PROG, lambda: _work(settings(RunConfig, given)))


def _work(config: RunConfig) -> int:
    if config.dry_run:
        print(describe(config, *_current(config)))
        return 0
    required(config, "role")
    return run(config, Bucket.open(config))


def run(config: RunConfig, bucket: Bucket) -> int:
    """Start the jobs that are due; returns the exit code: 1 if jobs failed, stopped or found no machine, else 0.

    Args:
        config: the options.
        bucket: the study's folder; with --force-rerun, the old one.

    Raises:
        InputError: the prefix holds another study, or the files of MNIST are missing.
        Interrupted: a signal has come; the jobs go on.
    """
    if config.force_rerun:
        bucket = studies.rerun(bucket, config, dry_run=False)
        _say(config, f"training everything again in {bucket.uri()}; to go on there: --prefix {bucket.prefix}")
    account, study = bucket.account, studies.claim(bucket, config)
    cells = progress(config.cells(), study, statuses(account, study))
    todo = [one.next for one in cells if is_due(one, config.retry_failed)]
    active = sum(one.state is State.ACTIVE for one in cells)
    prepared = functools.cache(lambda: _prepared(config, bucket))  # uploads when the first job needs it

    def request(name: JobName) -> dict[str, Any]:
        return training_job(name, config, config.shared(), bucket, *prepared())

    with StopSignals() as signals, Bar(len(todo), quiet=config.quiet) as bar:
        launcher = Launcher(
            bucket,
            study,
            request,
            most=config.max_jobs,
            poll_s=config.poll_seconds,
            bar=bar,
            quiet=config.quiet,
            signals=signals,
        )
        launcher.start(todo, active, wait=config.wait != "none")
        if config.wait == "ended":
            cells = launcher.watch(cells)
    return _conclude(config, launcher.tally, cells, bucket)


def _current(config: RunConfig) -> tuple[list[Progress], str]:
    """The state of every cell, and the bucket's folder, or why the states are not known."""
    account, why = None, "not compared with existing jobs: no bucket is named"
    if config.bucket is not None:
        try:
            account = Account(config.region)
        except InputError as problem:
            why = f"not compared with existing jobs: {problem}"
    if account is None:
        return progress(config.cells(), NO_STUDY, {}), why
    bucket = Bucket(account, str(config.bucket), config.prefix)
    bucket.check()
    if config.force_rerun:
        bucket = studies.rerun(bucket, config, dry_run=True)
    study = studies.check(bucket, config, studies.read(bucket))
    return progress(config.cells(), study, statuses(account, study)), f"in {bucket.uri()}"


def _prepared(config: RunConfig, bucket: Bucket) -> tuple[Code, str]:
    """Upload code and images; returns the code and the image to run it in."""
    code = pack()
    for name, content in code.files.items():
        bucket.put_once(f"{code.folder}/{name}", content)
    if config.dataset == "mnist":
        for name, path in data_files("mnist", config.data_root).items():
            bucket.upload_once(f"{DATA}/{name}", path)
    account = bucket.account
    return code, config.image or default_image(account.region, account.domain, config.instance_type)


def _conclude(config: RunConfig, tally: Tally, cells: Sequence[Progress], bucket: Bucket) -> int:
    counts = {state: sum(one.state is state for one in cells) for state in State}
    parts = [f"{len(tally.started)} started"]
    parts += [f"{len(tally.elsewhere)} started by another launcher"] if tally.elsewhere else []
    parts += [f"{counts[State.COMPLETED]} completed"]
    parts += [f"{counts[State.ACTIVE]} already running"] if config.wait != "ended" else []
    failed = counts[State.FAILED] if config.wait == "ended" or not config.retry_failed else 0
    stopped = counts[State.STOPPED] if config.wait == "ended" else 0
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{stopped} stopped"] if stopped else []
    parts += [f"{len(tally.waiting)} not started, as no machine is free"] if tally.waiting else []
    _say(config, f"{bucket.uri()}: {', '.join(parts)}")
    if stopped:
        _say(config, "the same command goes on with stopped jobs from their checkpoints")
    if failed:
        _say(config, "psa-sagemaker-get-training-logs fetches their logs; --retry-failed starts failed jobs again")
    return 1 if failed or stopped or tally.waiting else 0


def _say(config: RunConfig, line: str) -> None:
    if not config.quiet:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
