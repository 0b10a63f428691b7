"""The cost report: tables for the screen, one row per job as CSV, and sums as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.browse.text import aligned
from psa_resmlp.sagemaker.costs import UNKNOWN, JobCost, Sum, saving, spot_times, sum_of, sums_by
from psa_resmlp.sagemaker.jobs import ACTIVE
from psa_resmlp.sagemaker.prices import Prices
from psa_resmlp.sagemaker.words import SHOWN, counted, some
from psa_resmlp.study.modes import MODE_NAMES

COLUMNS = (
    "job", "architecture", "mode", "attempt", "status", "instance_type", "instance_count", "spot", "created",
    "training_seconds", "billable_seconds", "usd", "family", "trials", "meta_loops",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What jobs cost.

    Attributes:
        jobs: all jobs of the report, those unknown to SageMaker included.
        where: where their names come from: the bucket's folder, or a list of jobs.
        region: their region.
        prices: the prices that were used.
    """

    jobs: Sequence[JobCost]
    where: str
    region: str
    prices: Prices

    @property
    def known(self) -> list[JobCost]:
        """The jobs that SageMaker knows."""
        return [one for one in self.jobs if one.status != UNKNOWN]

    def groups(self) -> dict[str, dict[str, Sum]]:
        """Sums by status (in alphabetical order), mode (in the study's order), instance type and architecture."""
        modes = sums_by(self.jobs, lambda one: one.name.cell.mode)
        kinds = sums_by(sorted(self.known, key=lambda one: one.instance_type), lambda one: one.instance_type)
        return {
            "status": dict(sorted(sums_by(self.jobs, lambda one: one.status).items())),
            "mode": {mode: modes[mode] for mode in MODE_NAMES if mode in modes},
            "instance_type": kinds,
            "architecture": sums_by(self.jobs, lambda one: one.name.cell.architecture.name),
        }


def text(report: Report) -> str:
    """The tables that the command prints."""
    total, groups = sum_of(report.jobs), report.groups()
    lines = [
        f"{counted(total.jobs, 'job')} ({report.where}): {total.machine_s / 3600:,.2f} billable machine hours, "
        f"{float(total.usd):,.2f} USD",
        f"on-demand prices of {report.region} from {report.prices.path}; they may be outdated, compare them with AWS's",
        *_remarks(report),
    ]
    for name in ("status", "mode", "instance_type"):
        lines += ["", _table(name.replace("_", " "), groups[name])]
    dearest = sorted(groups["architecture"].items(), key=lambda item: -item[1].usd)[:SHOWN]
    lines += ["", "the most expensive architectures", _table("architecture", dict(dearest))]
    longest = sorted((one for one in report.jobs if one.training_s), key=lambda one: -(one.training_s or 0))[:SHOWN]
    rows = [(one.name.text, one.status, f"{(one.training_s or 0) / 3600:8,.2f}", _usd(one.usd)) for one in longest]
    if rows:
        lines += ["", "the longest jobs", aligned(("job", "status", f"{'hours':>8}", f"{'USD':>12}"), rows)]
    return "\n".join(lines)


def rows_csv(report: Report) -> str:
    """One row per job, with COLUMNS; unknown values are empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(one) for one in report.jobs)
    return buffer.getvalue()


def facts(report: Report) -> dict[str, Any]:
    """The content of cost_report.json."""
    kinds = sorted({one.instance_type for one in report.jobs if one.billable_s})
    spot, training, billed = spot_times(report.jobs)
    return {
        "jobs_of": report.where,
        "region": report.region,
        "price_file": report.prices.path,
        "usd_per_hour": {kind: report.prices.hour(report.region, kind) for kind in kinds},
        "total": _plain(sum_of(report.jobs)),
        **{name: {key: _plain(one) for key, one in group.items()} for name, group in report.groups().items()},
        "spot": {
            "jobs": spot,
            "training_machine_seconds": training,
            "billable_machine_seconds": billed,
            "saving": saving(training, billed) if spot else None,
        },
        "running": _named(report, *ACTIVE),
        "unknown": _named(report, UNKNOWN),
    }


def _remarks(report: Report) -> list[str]:
    running, unknown = _named(report, *ACTIVE), _named(report, UNKNOWN)
    spot, training, billed = spot_times(report.jobs)
    lines = [f"{counted(len(running), 'job')} running, without a price yet"] if running else []
    if unknown:
        lines.append(f"{counted(len(unknown), 'job')} unknown to SageMaker in {report.region}: {some(unknown)}")
    if spot:
        shares = f"{billed:,} of {training:,} machine-seconds billed"
        lines.append(f"{counted(spot, 'spot job')}: {saving(training, billed):.1%} saved ({shares})")
    return lines


def _row(one: JobCost) -> list[Any]:
    cell, row = one.name.cell, [one.name.text]
    row += [cell.architecture.name, cell.mode, one.name.order, one.status]
    if one.status == UNKNOWN:
        return row + [""] * (len(COLUMNS) - len(row))
    spot, usd = "true" if one.spot else "false", None if one.usd is None else float(one.usd)
    machines = [one.instance_type, one.instance_count, spot, one.created, one.training_s, one.billable_s, usd]
    return [*row, *machines, one.family, one.trials, one.meta_loops]


def _table(name: str, sums: Mapping[str, Sum]) -> str:
    header = (name, "jobs", f"{'hours':>12}", f"{'USD':>12}")
    rows = [(key, one.jobs, f"{one.machine_s / 3600:12,.2f}", _usd(one.usd)) for key, one in sums.items()]
    return aligned(header, rows)


def _usd(value: Any) -> str:
    return f"{'-':>12}" if value is None else f"{float(value):12,.2f}"


def _named(report: Report, *statuses: str) -> list[str]:
    return [one.name.text for one in report.jobs if one.status in statuses]


def _plain(one: Sum) -> dict[str, Any]:
    return {"jobs": one.jobs, "billable_hours": one.machine_s / 3600, "usd": float(one.usd)}
