"""Start jobs one after another: none twice, and waiting where the account's limit is reached."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.errors import InputError, Interrupted
from common.progress import Progress as Bar
from common.runs.signals import StopSignals
from psa_resmlp.sagemaker.aws import code_of, message_of
from psa_resmlp.sagemaker.bucket import JOB, Bucket
from psa_resmlp.sagemaker.jobs import ACTIVE, Progress, State, progress, statuses
from psa_resmlp.sagemaker.names import JobName

# AWS: "The account-level service limit 'ml.c5.2xlarge for training job usage' is 0 Instances, with ..."
_NO_MACHINE = re.compile(r"\bis 0 instances\b", re.IGNORECASE)
WAITS = ("none", "started", "ended")
Request = Callable[[JobName], dict[str, Any]]


@dataclass
class Tally:
    """The outcome of starting jobs: their names."""

    started: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)  # by another launcher at the same time
    waiting: list[str] = field(default_factory=list)  # not started: the limit was reached, without --wait


class Launcher:
    """Starts the jobs of a study.

    Args:
        bucket: the study's folder.
        study: its identity.
        request: gives the CreateTrainingJob request for the name of a job.
        most: the largest number of active jobs of this study; 0: as many as the account allows.
        poll_s: time between two checks whether another job may start, in seconds.
        bar: the progress bar.
        quiet: print no other lines.
        signals: an entered `StopSignals`.
    """

    def __init__(
        self,
        bucket: Bucket,
        study: str,
        request: Request,
        *,
        most: int,
        poll_s: float,
        bar: Bar,
        quiet: bool,
        signals: StopSignals,
    ) -> None:
        self._account, self._bucket, self._study, self._request = bucket.account, bucket, study, request
        self._most, self._poll_s, self._bar, self._quiet, self._signals = most, poll_s, bar, quiet, signals
        for client in (self._account.s3, self._account.sagemaker):
            # Before every attempt, as a throttled request may otherwise be retried for minutes after Ctrl-C.
            client.meta.events.register("before-send", self._before_send)
        self._warned = False
        self.tally = Tally()

    def start(self, todo: Sequence[JobName], active: int, *, wait: bool) -> None:
        """Start the jobs in their order; with `wait`, wait while the account's limit is reached.

        Raises:
            InputError: the account's limit for this kind of machine is 0.
            Interrupted: a signal has come; the started jobs go on.
        """
        for place, name in enumerate(todo):
            while not self._has_room(active) or not self._start(name):
                if not wait:
                    self.tally.waiting += [one.text for one in todo[place:]]
                    return
                self._bar.describe(f"{len(todo) - place} to start, waiting for a free machine")
                active = self._pause()
            active += 1
            self._bar.describe(f"{active} running, {len(todo) - place - 1} to start")
            self._bar.advance()

    def watch(self, cells: Sequence[Progress]) -> list[Progress]:
        """Wait until no job of these cells is running; returns their states then.

        Raises:
            Interrupted: a signal has come; the jobs go on.
        """
        while True:
            now = progress([one.cell for one in cells], self._study, statuses(self._account, self._study))
            active = [one for one in now if one.state is State.ACTIVE]
            self._bar.describe(f"{len(active)} running, {len(now) - len(active)} ended")
            if not active:
                return now
            self._sleep()

    def _has_room(self, active: int) -> bool:
        return not self._most or active < self._most

    def _start(self, name: JobName) -> bool:
        """Create a job; False if the account's limit is reached."""
        from botocore.exceptions import ClientError

        self._stop_if_asked()
        request = self._request(name)
        # First, so that every job that may cost something is on record in the bucket.
        self._bucket.put_once(f"{name.text}/{JOB}", _record(name, request))
        try:
            self._account.sagemaker.create_training_job(**request)
        except ClientError as problem:
            if code_of(problem) == "ResourceLimitExceeded":
                self._no_room(problem, request)
                return False
            if code_of(problem) != "ResourceInUse":
                raise
            self.tally.elsewhere.append(name.text)
            return True
        self.tally.started.append(name.text)
        if not self._quiet:
            self._bar.echo(f"started {name.text}")
        return True

    def _no_room(self, problem: Any, request: Mapping[str, Any]) -> None:
        """Print AWS's reason once.

        Raises:
            InputError: the limit for this kind of machine is 0, so that waiting is of no use.
        """
        reason = message_of(problem)
        if _NO_MACHINE.search(reason):
            kind, spot = request["ResourceConfig"]["InstanceType"], request["EnableManagedSpotTraining"]
            quota = f"{kind} for {'spot ' if spot else ''}training job usage"
            raise InputError(
                f"the account's limit of \"{quota}\" is 0; ask for more under Service Quotas in AWS's console"
            )
        if not self._warned and not self._quiet:
            self._bar.echo(f"no room: {reason}")
        self._warned = True

    def _pause(self) -> int:
        """Wait a while; returns how many jobs of the study are active then."""
        self._sleep()
        known = statuses(self._account, self._study)
        return sum(status in ACTIVE for status in known.values())

    def _sleep(self) -> None:
        until = time.monotonic() + self._poll_s
        while time.monotonic() < until:
            self._stop_if_asked()
            self._bar.advance(0)
            time.sleep(min(0.2, max(until - time.monotonic(), 0)))
        self._stop_if_asked()

    def _before_send(self, **request: Any) -> None:
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        number = self._signals.received
        if number is not None:
            raise Interrupted(
                f"interrupted by {number.name}; {len(self.tally.started)} jobs were started, and running jobs go on; "
                "the same command starts the rest",
                int(number),
            )


def _record(name: JobName, request: Mapping[str, Any]) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    facts = {"job": name.text, "asked": now, "request": dict(request)}
    return (json.dumps(facts, indent=2) + "\n").encode()
