"""The options of psa-sagemaker-run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.cli import option
from psa_resmlp.sagemaker.launch import WAITS
from psa_resmlp.sagemaker.options import JobConfig
from psa_resmlp.sagemaker.prices import HELP as PRICES_HELP
from psa_resmlp.sagemaker.study import StudyConfig


@dataclass(frozen=True, kw_only=True)
class RunConfig(StudyConfig, JobConfig):
    """Starting jobs"""

    dry_run: bool = option(False, "list jobs, hours and price; start and write nothing", local=True)
    force_rerun: bool = option(False, "train the whole study again, in a new prefix", local=True)
    retry_failed: bool = option(False, "start failed jobs again", local=True)
    max_jobs: int = option(0, "most jobs of this study running at a time; 0: as many as the account allows", low=0)
    wait: str = option(
        "started",
        "end this command when no machine is free (none), all jobs are started (started), or all have ended (ended)",
        choices=WAITS,
    )
    poll_seconds: float = option(60.0, "time between two checks of the jobs' states", unit="s", above=0)
    data_root: Path | None = option(None, "folder of MNIST, to upload (default: $NONIDEAL_DATA, else data)")
    prices: Path | None = option(None, PRICES_HELP)
    timings: Path | None = option(None, "cost_report.csv of psa-sagemaker-cost-estimator, for the hours of --dry-run")

    def check(self) -> None:
        """Raise InputError for settings that make no sense together."""
        StudyConfig.check(self)
        JobConfig.check(self)
