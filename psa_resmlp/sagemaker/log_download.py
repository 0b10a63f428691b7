"""Fetch logs of jobs from CloudWatch: for every job a folder with a file for every log stream, and a summary.

    <folder>/<job>/algo-1-<number>.log    [2026-11-27T09:01:02.123+00:00] message; a message may have several lines
    <folder>/<job>/summary.json           job, status, files with bytes and lines, fetched, complete
    <folder>/download_summary.json        which jobs were fetched, were already here, or have no log yet

A spot job that was interrupted has several streams. A log is complete if the job had ended, by SageMaker's status,
before the log was fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from common.runs.files import atomic_writer, write_json
from psa_resmlp.sagemaker.aws import Account, code_of, redact
from psa_resmlp.sagemaker.jobs import ACTIVE
from psa_resmlp.sagemaker.names import JobName
from psa_resmlp.sagemaker.pool import each

GROUP = "/aws/sagemaker/TrainingJobs"
SUMMARY, DOWNLOADS = "summary.json", "download_summary.json"
UNKNOWN = "Unknown"  # status of a job that SageMaker does not have any more
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LogFile:
    """A stream's file in the job's folder."""

    name: str
    bytes: int
    lines: int


@dataclass
class Downloads:
    """The outcome of a download: names of jobs."""

    fetched: list[str] = field(default_factory=list)
    here_before: list[str] = field(default_factory=list)
    without_log: list[str] = field(default_factory=list)


def fetch_logs(
    account: Account,
    jobs: Sequence[JobName],
    statuses: Mapping[str, str],
    folder: Path,
    *,
    force: bool = False,
    quiet: bool = False,
) -> Downloads:
    """Fetch the logs of many jobs, several at a time; complete logs that are already here are kept.

    Args:
        account: whose logs.
        jobs: which jobs.
        statuses: SageMaker's status by name; a job that is missing there has ended.
        folder: an existing folder, in which every job gets a folder.
        force: fetch complete logs again, too.
        quiet: show no bar.

    Raises:
        Interrupted: a signal has come; no file is cut off.
        OSError: a file cannot be written.
    """
    names = [job.text for job in jobs]
    logs = account.logs  # made before there are threads
    here = set() if force else {name for name in names if is_here(folder / name)}
    todo = [name for name in names if name not in here]

    def fetch(name: str) -> bool:
        return fetch_log(logs, name, statuses.get(name, UNKNOWN), folder / name)

    has_log = dict(each(todo, fetch, "logs", quiet=quiet))
    found = Downloads(
        fetched=[name for name in todo if has_log[name]],
        here_before=[name for name in names if name in here],
        without_log=[name for name in todo if not has_log[name]],
    )
    write_json(folder / DOWNLOADS, {"log_group": GROUP, "region": account.region, "ended": _now(), **asdict(found)})
    return found


def fetch_log(logs: Any, job: str, status: str, folder: Path) -> bool:
    """Fetch all streams of a job into its folder; returns whether it has any. Without one, nothing is written.

    Args:
        logs: client of CloudWatch Logs.
        job: its name.
        status: SageMaker's status, queried before this call; UNKNOWN if SageMaker does not have the job.
        folder: the job's folder; made if it is missing.

    Raises:
        OSError: a file cannot be written.
    """
    streams = streams_of(logs, job)
    if streams:
        folder.mkdir(parents=True, exist_ok=True)
        files = [_write(logs, stream, folder / f"{_file_name(stream, job)}.log") for stream in streams]
        facts = {"job": job, "status": status, "files": [asdict(file) for file in files], "fetched": _now()}
        # Written last: where it exists, the other files do.
        write_json(folder / SUMMARY, {**facts, "complete": status not in ACTIVE})
    return bool(streams)


def is_here(folder: Path) -> bool:
    """Whether the folder of a job holds its complete log, with all files in full size."""
    try:
        facts = json.loads((folder / SUMMARY).read_bytes())
        return facts["complete"] is True and all(
            _has_size(folder / file["name"], file["bytes"]) for file in facts["files"]
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False  # missing or damaged: fetched again


def streams_of(logs: Any, job: str) -> list[str]:
    """Names of the streams of a job; none if there is no log group yet."""
    from botocore.exceptions import ClientError

    pages = logs.get_paginator("describe_log_streams")
    found: list[str] = []
    try:
        for page in pages.paginate(logGroupName=GROUP, logStreamNamePrefix=f"{job}/"):
            found += [stream["logStreamName"] for stream in page["logStreams"]]
    except ClientError as problem:
        if code_of(problem) != "ResourceNotFoundException":
            raise
    return found


def pages_of(logs: Any, stream: str) -> Iterator[list[Mapping[str, Any]]]:
    """The events of a stream from its beginning, page by page; pages may be empty.

    CloudWatch returns empty pages in the middle of a stream; only a repeated token marks the end.
    """
    token: str | None = None
    while True:
        more = {} if token is None else {"nextToken": token}
        page = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True, **more)
        yield page["events"]
        if page["nextForwardToken"] == token:
            return
        token = page["nextForwardToken"]


def _write(logs: Any, stream: str, path: Path) -> LogFile:
    size = lines = 0
    with atomic_writer(path) as file:
        for events in pages_of(logs, stream):
            # A message is what a program has printed, which may hold characters that UTF-8 cannot encode.
            content = redact(_text(events)).encode(errors="replace")
            file.write(content)
            size, lines = size + len(content), lines + content.count(b"\n")
    return LogFile(path.name, size, lines)


def _text(events: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"[{_time(event['timestamp'])}] {event['message'].rstrip()}\n" for event in events)


def _time(milliseconds: int) -> str:
    return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds")


def _file_name(stream: str, job: str) -> str:
    return stream.removeprefix(f"{job}/").replace("/", "_")


def _has_size(path: Path, size: int) -> bool:
    return path.stat().st_size == size


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
