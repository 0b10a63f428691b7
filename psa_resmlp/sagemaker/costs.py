"""What jobs cost: SageMaker's description of each job, its price, and sums without rounding.

The price of a job is its billable seconds x its machines / 3600 x the price of an hour of its kind of machine; failed
and stopped jobs cost too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from fractions import Fraction
from typing import Any

from psa_resmlp.sagemaker.aws import Account, code_of
from psa_resmlp.sagemaker.jobs import ACTIVE
from psa_resmlp.sagemaker.names import JobName
from psa_resmlp.sagemaker.pool import each
from psa_resmlp.sagemaker.prices import Prices

UNKNOWN = "Unknown"
# SageMaker's messages for a job that does not exist (any more), where its code is not ResourceNotFound.
_NOT_FOUND = ("Could not find", "Requested resource not found")


@dataclass(frozen=True)
class JobCost:
    """A job, SageMaker's facts about it, and its price.

    Attributes:
        name: which job.
        status: SageMaker's; UNKNOWN if SageMaker does not have the job (any more), and then the rest is empty.
        instance_type: of its machines.
        instance_count: how many of them.
        spot: whether they were spot machines.
        created: when the job was created, in UTC.
        training_s: wall-clock seconds from the start of the machines to their end, including waits for spot machines.
        billable_s: billed seconds; None for running jobs and those that never had a machine.
        usd: the price; None for running jobs.
        family: family of its networks.
        trials: number of trials.
        meta_loops: number of meta-loops of each trial.
    """

    name: JobName
    status: str
    instance_type: str = ""
    instance_count: int = 0
    spot: bool = False
    created: str = ""
    training_s: int | None = None
    billable_s: int | None = None
    usd: Fraction | None = None
    family: str = ""
    trials: int | None = None
    meta_loops: int | None = None

    @property
    def machine_s(self) -> int:
        """Billed seconds of all its machines."""
        return (self.billable_s or 0) * self.instance_count


@dataclass(frozen=True)
class Sum:
    """Totals of several jobs: their number, billed machine-seconds, and US dollars."""

    jobs: int
    machine_s: int
    usd: Fraction


def ask_all(account: Account, names: Sequence[JobName], *, quiet: bool = False) -> list[Any | None]:
    """SageMaker's description of every job, in the order of the names; None where it has no such job.

    Args:
        account: the jobs' account.
        names: which jobs.
        quiet: show no bar.

    Raises:
        Interrupted: a signal has come.
    """
    answers = dict(each(names, lambda name: _ask(account, name), "jobs", quiet=quiet))
    return [answers[name] for name in names]


def reckon(name: JobName, answer: Mapping[str, Any] | None, prices: Prices, region: str) -> JobCost:
    """The price of a job.

    Args:
        name: which job.
        answer: the answer of DescribeTrainingJob; None if SageMaker has no such job.
        prices: the price file.
        region: the job's region.

    Raises:
        InputError: the price file lacks the job's kind of machine.
    """
    if answer is None:
        return JobCost(name, UNKNOWN)
    status, resources = str(answer["TrainingJobStatus"]), answer["ResourceConfig"]
    kind, count = str(resources.get("InstanceType", "")), int(resources.get("InstanceCount", 1))
    billable = None if status in ACTIVE else answer.get("BillableTimeInSeconds")
    usd = Fraction(0)
    if billable:  # str: an hour of 0.408 USD is 408/1000, not the nearest binary number
        usd = Fraction(str(prices.hour(region, kind))) * billable * count / 3600
    found = answer.get("HyperParameters") or {}
    return JobCost(
        name,
        status,
        kind,
        count,
        spot=bool(answer.get("EnableManagedSpotTraining")),
        created=answer["CreationTime"].astimezone(UTC).isoformat(timespec="seconds"),
        training_s=answer.get("TrainingTimeInSeconds"),
        billable_s=billable,
        usd=None if status in ACTIVE else usd,
        family=_text(found, "family") or "mlp",  # the published program had no other
        trials=_whole(found, "trials", "num-runs"),
        meta_loops=_whole(found, "meta-loops"),
    )


def sum_of(costs: Sequence[JobCost]) -> Sum:
    """The totals of these jobs; running and unknown ones add to the number of jobs only."""
    usd = sum((one.usd for one in costs if one.usd is not None), Fraction(0))
    return Sum(len(costs), sum(one.machine_s for one in costs), usd)


def sums_by(costs: Iterable[JobCost], key: Callable[[JobCost], str]) -> dict[str, Sum]:
    """The totals of the jobs of each key, in the order in which keys first appear."""
    groups: dict[str, list[JobCost]] = {}
    for one in costs:
        groups.setdefault(key(one), []).append(one)
    return {name: sum_of(group) for name, group in groups.items()}


def spot_times(costs: Iterable[JobCost]) -> tuple[int, int, int]:
    """Number, training and billed machine-seconds of the spot jobs that have ended."""
    spot = [one for one in costs if one.spot and one.training_s and one.usd is not None]
    training = sum((one.training_s or 0) * one.instance_count for one in spot)
    return len(spot), training, sum(one.machine_s for one in spot)


def saving(training_s: int, billable_s: int) -> float:
    """The share that spot machines saved, by AWS's formula: 1 - billed / training seconds."""
    return 1 - billable_s / training_s


def _ask(account: Account, name: JobName) -> Any | None:
    from botocore.exceptions import ClientError

    try:
        return account.sagemaker.describe_training_job(TrainingJobName=name.text)
    except ClientError as problem:
        message = str(problem.response.get("Error", {}).get("Message", ""))
        if code_of(problem) == "ResourceNotFound" or message.startswith(_NOT_FOUND):
            return None
        raise


def _text(found: Mapping[str, str], *names: str) -> str:
    """The first of these hyperparameters that exists; SageMaker's toolkit writes strings as JSON, with quotes."""
    return next((str(found[name]).strip('"') for name in names if name in found), "")


def _whole(found: Mapping[str, str], *names: str) -> int | None:
    text = _text(found, *names)
    return int(text) if text.isdecimal() else None
