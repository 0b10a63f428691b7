"""The storage that the study uses in its bucket, and its price a month (`psa-sagemaker-estimate-storage`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.browse.text import aligned
from common.cli import Parser, add_options, option
from common.errors import InputError
from common.progress import Progress
from common.runs.files import write_json
from common.runs.folder import make_writable
from psa_resmlp.sagemaker.aws import aws_command
from psa_resmlp.sagemaker.bucket import Bucket
from psa_resmlp.sagemaker.job_list import OUTPUT, read_jobs
from psa_resmlp.sagemaker.names import JobName
from psa_resmlp.sagemaker.options import AccountConfig, settings
from psa_resmlp.sagemaker.prices import HELP as PRICES_HELP
from psa_resmlp.sagemaker.prices import Prices, read_prices
from psa_resmlp.sagemaker.storage import KINDS, Size, Storage, facts, is_of, month_usd
from psa_resmlp.sagemaker.words import counted
from psa_resmlp.scripts.clean import bytes_text

PROG = "psa-sagemaker-estimate-storage"
JSON = "storage_report.json"
DESCRIPTION = f"""\
Sum the sizes of all objects in the study's folder of the bucket, by kind and by job, with their price a month. Older
versions of objects and incomplete uploads are not counted. Writes {JSON}.

example: psa-sagemaker-estimate-storage --bucket my-bucket
         21.4 GB in 3,540 objects below s3://my-bucket/psa-resmlp, and their price a month
"""
_REPORT_EVERY = 1000  # objects: a page


@dataclass(frozen=True, kw_only=True)
class StorageConfig(AccountConfig):
    """What is summed, shown and written"""

    jobs_file: Path | None = option(
        None, "text file with names of jobs, one a line: sum only them and their checkpoints"
    )
    detailed: bool = option(False, "also print a row for every job", local=True)
    prices: Path | None = option(None, PRICES_HELP)
    output_dir: Path = option(OUTPUT, "folder for the report", local=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-estimate-storage`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, StorageConfig)
    given = vars(parser.parse_args(argv))
    return aws_command(PROG, lambda: _work(settings(StorageConfig, given)))


def _work(config: StorageConfig) -> int:
    prices = read_prices(config.prices)
    jobs = None if config.jobs_file is None else read_jobs(config.jobs_file)
    bucket = Bucket.open(config)
    found, region = _listed(bucket, jobs, config.quiet), bucket.account.region
    make_writable(config.output_dir, "folder for the report", "name another with --output-dir")
    price = prices.storage(region)
    head = {"folder": bucket.uri(), "region": region, "price_file": prices.path, "usd_per_gb_month": price}
    write_json(config.output_dir / JSON, {**head, **facts(found, price)})
    if not config.quiet:
        print("\n".join(_lines(config, bucket, found, prices)))
    return 0


def _listed(bucket: Bucket, jobs: Sequence[JobName] | None, quiet: bool) -> Storage:
    """The sums over the study's folder, or over what belongs to some jobs.

    Raises:
        InputError: there is no object.
    """
    found = Storage()
    with Progress(0, quiet=quiet) as bar:
        for name, size in bucket.objects():
            if jobs is None or is_of(name, jobs):
                found.add(name, size)
            if found.total.objects % _REPORT_EVERY == 0:
                bar.describe(f"{found.total.objects:,} objects in {bucket.uri()}")
    if not found.total.objects:
        nothing = "nothing" if jobs is None else "nothing of these jobs"
        raise InputError(f"{bucket.uri()} holds {nothing}; psa-sagemaker-run fills it, or name another --prefix")
    return found


def _lines(config: StorageConfig, bucket: Bucket, found: Storage, prices: Prices) -> list[str]:
    """What is printed."""
    region = bucket.account.region
    price = prices.storage(region)
    total, rows = found.total, found.rows()
    lines = [f"{bytes_text(total.bytes)} in {counted(total.objects, 'object')} below {bucket.uri()}"]
    if price is None:
        lines.append(f"{prices.path} does not say what storage costs in {region}; add {region} below [s3_gb_month]")
    else:
        usd = month_usd(total.bytes, price)
        lines.append(f"{usd:,.2f} USD a month in S3 Standard ({prices.path}, {region}; it may be outdated)")
    kinds = [(kind, found.kinds[kind]) for kind in KINDS if found.kinds[kind].objects]
    lines += ["", aligned(("kind", "objects", f"{'size':>10}"), [_row(name, size) for name, size in kinds])]
    if rows:
        largest = max(rows, key=lambda row: row[1].bytes)
        mean = sum(size.bytes for _, size, _ in rows) // len(rows)
        lines += ["", f"{counted(len(rows), 'job')} with {bytes_text(mean)} each on average, at most "]
        lines[-1] += f"{bytes_text(largest[1].bytes)} ({largest[0].text}), and checkpoints, which attempts share"
    if rows and config.detailed:
        header = ("job", "objects", f"{'size':>10}", f"{'checkpoints':>11}")
        detail = [(*_row(job.text, size), f"{bytes_text(cell.bytes):>11}") for job, size, cell in rows]
        lines += ["", aligned(header, detail)]
    return [*lines, "", f"written {config.output_dir / JSON}"]


def _row(name: str, size: Size) -> tuple[str, int, str]:
    return name, size.objects, f"{bytes_text(size.bytes):>10}"


if __name__ == "__main__":
    sys.exit(main())
