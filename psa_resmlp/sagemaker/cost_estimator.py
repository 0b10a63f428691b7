"""What the study's SageMaker jobs cost (`psa-sagemaker-cost-estimator`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, add_options, option, run_command
from common.runs.files import write_json, write_text
from common.runs.folder import make_writable
from psa_resmlp.sagemaker import cost_tables
from psa_resmlp.sagemaker.aws import aws_command
from psa_resmlp.sagemaker.costs import ask_all, reckon
from psa_resmlp.sagemaker.job_list import OUTPUT, JobsConfig, requested
from psa_resmlp.sagemaker.options import settings
from psa_resmlp.sagemaker.prices import HELP as PRICES_HELP
from psa_resmlp.sagemaker.prices import copy_prices, read_prices

PROG = "psa-sagemaker-cost-estimator"
CSV, JSON = "cost_report.csv", "cost_report.json"
DESCRIPTION = f"""\
Sum what jobs cost: the billable seconds that SageMaker reports, at the price of each job's kind of machine. Failed and
stopped jobs are billed too; running jobs have no price yet. Prices come from a file that you can edit. Writes {CSV},
one row per job, which psa-sagemaker-run --dry-run --timings reads, and {JSON}.

example: psa-sagemaker-cost-estimator --bucket my-bucket
         588 jobs (s3://my-bucket/psa-resmlp): 1,071.30 billable machine hours, and their price
         psa-sagemaker-cost-estimator --write-prices prices.toml      a price file to edit; needs no account
"""


@dataclass(frozen=True, kw_only=True)
class CostConfig(JobsConfig):
    """Prices and output"""

    prices: Path | None = option(None, PRICES_HELP)
    write_prices: Path | None = option(None, "only copy the shipped price file to this path, to edit it", local=True)
    output_dir: Path = option(OUTPUT, "folder for the reports", local=True)
    output_file: Path | None = option(None, f"path of the table, instead of {CSV} in that folder", local=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-cost-estimator`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, CostConfig)
    given = vars(parser.parse_args(argv))
    if "write_prices" in given:  # before anything that needs boto3 or reads .env
        return run_command(PROG, lambda: _write_prices(given["write_prices"], given.get("quiet", False)))
    return aws_command(PROG, lambda: _work(settings(CostConfig, given)))


def _write_prices(path: Path, quiet: bool) -> int:
    copy_prices(path)
    if not quiet:
        print(f"written {path}; edit it, and name it with --prices")
    return 0


def _work(config: CostConfig) -> int:
    prices = read_prices(config.prices)
    account, names, where = requested(config)
    file = config.output_file or config.output_dir / CSV
    for folder, name in ((config.output_dir, "--output-dir"), (file.parent, "--output-file")):
        make_writable(folder, "folder for reports", f"name another with {name}")
    answers = ask_all(account, names, quiet=config.quiet)
    costs = [reckon(name, answer, prices, account.region) for name, answer in zip(names, answers, strict=True)]
    report = cost_tables.Report(costs, where, account.region, prices)
    write_text(file, cost_tables.rows_csv(report))
    write_json(config.output_dir / JSON, cost_tables.facts(report))
    if not config.quiet:
        print(f"{cost_tables.text(report)}\n\nwritten {file} and {config.output_dir / JSON}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
