"""psa-sagemaker-run --dry-run: every job with its state, hours and price, and their sums."""

from __future__ import annotations

from collections.abc import Sequence

from psa_resmlp.sagemaker.jobs import Progress, is_due
from psa_resmlp.sagemaker.prices import Prices, read_prices
from psa_resmlp.sagemaker.run_config import RunConfig
from psa_resmlp.sagemaker.timing import Estimate, from_here, from_jobs

DEFAULT_REGION = "us-east-1"
BYTES_PER_PARAMETER = 16  # LKG and active network, in the checkpoint and in model.tar.gz


def describe(config: RunConfig, cells: Sequence[Progress], where: str) -> str:
    """The text to print.

    Args:
        config: the options.
        cells: the state of every cell.
        where: the place whose jobs gave these states, or why they are not known.

    Raises:
        InputError: the price file lacks the machine, or the timings cannot be used.
    """
    prices = read_prices(config.prices)
    hour = prices.hour(config.region or DEFAULT_REGION, config.instance_type)
    due = [one for one in cells if is_due(one, config.retry_failed)]
    head = f"{len(cells)} jobs of {config.trials} trials, {len(due)} to start now ({where})"
    if not due:
        return "\n".join([head, *(_not_due(one) for one in cells)])
    estimate = _estimate(config, due, prices)
    seconds = {one.cell: estimate.seconds[one.cell] + prices.overhead_s for one in due}
    lines = [head]
    for one in cells:
        if one.cell not in seconds:
            lines.append(_not_due(one))
            continue
        hours = seconds[one.cell] / 3600
        late = ", longer than --max-run-seconds" if seconds[one.cell] > config.max_run_seconds else ""
        lines.append(f"{one.next.text}: {hours:.2f} h, {hours * hour:.2f} USD{late}")
    return "\n".join([*lines, *_sums(config, prices, estimate, list(seconds.values()), hour)])


def _estimate(config: RunConfig, due: Sequence[Progress], prices: Prices) -> Estimate:
    cells = [one.cell for one in due]
    if config.timings is not None:
        return from_jobs(config.timings, cells, config.shared(), config.instance_type, prices.overhead_s)
    return from_here(cells, config.shared(), prices.cores(config.instance_type), quiet=config.quiet)


def _not_due(one: Progress) -> str:
    return f"{one.last.text if one.last else one.next.text}: {one.state.value}"


def _sums(config: RunConfig, prices: Prices, estimate: Estimate, seconds: Sequence[float], hour: float) -> list[str]:
    total_h = sum(seconds) / 3600
    parameters = sum(cell.architecture.parameters(config.family) for cell in estimate.seconds)
    spot = ", at most: spot machines are billed fewer seconds" if config.capacity == "spot" else ""
    late = sum(one > config.max_run_seconds for one in seconds)
    lines = [
        f"hours from {estimate.source}, where the fit is off by at most {estimate.error:.0%}; "
        f"{prices.overhead_s:g} s a job in addition to the training",
        f"prices from {prices.path}: {config.instance_type} {hour:g} USD an hour in {config.region or DEFAULT_REGION}",
    ]
    lines += [f"{late} jobs would reach --max-run-seconds and need this command again to go on"] if late else []
    gigabytes = BYTES_PER_PARAMETER * config.trials * parameters / 1e9
    return [
        *lines,
        f"about {total_h:.4g} hours, {total_h * hour:.2f} USD{spot}; {gigabytes:.3g} GB in the bucket when all is done",
    ]
