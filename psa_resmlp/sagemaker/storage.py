"""The storage of a study in its bucket: bytes and objects by kind and by job, and their price."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from psa_resmlp.sagemaker.bucket import MODEL, OUTPUT
from psa_resmlp.sagemaker.names import JobName, parse_job_name

NETWORKS, RESULTS, CHECKPOINTS, CODE, DATA = "networks", "results", "checkpoints", "code", "data"
RECORDS, OTHER = "records", "other"
KINDS = (NETWORKS, RESULTS, CHECKPOINTS, CODE, DATA, RECORDS, OTHER)
_BY_FILE = {MODEL.rpartition("/")[2]: NETWORKS, OUTPUT.rpartition("/")[2]: RESULTS}
_GB = 10**9


@dataclass
class Size:
    """Number and total bytes of several objects."""

    objects: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more object of `size` bytes."""
        self.objects += 1
        self.bytes += size


@dataclass
class Storage:
    """The sizes of everything in a study's folder.

    Attributes:
        total: of all objects.
        kinds: by kind, in the order of KINDS.
        jobs: of each job's folder.
        checkpoints: by cell, e.g. 18x18_hidden; all attempts at a cell share them.
    """

    total: Size = field(default_factory=Size)
    kinds: dict[str, Size] = field(default_factory=lambda: {kind: Size() for kind in KINDS})
    jobs: dict[JobName, Size] = field(default_factory=dict)
    checkpoints: dict[str, Size] = field(default_factory=dict)

    def add(self, name: str, size: int) -> None:
        """Count an object by its name in the study's folder, of `size` bytes."""
        self.total.add(size)
        kind = kind_of(name)
        self.kinds[kind].add(size)
        folder, slash, rest = name.partition("/")
        job = parse_job_name(folder) if slash else None
        if job is not None:
            self.jobs.setdefault(job, Size()).add(size)
        if kind == CHECKPOINTS:
            self.checkpoints.setdefault(rest.partition("/")[0], Size()).add(size)

    def rows(self) -> list[tuple[JobName, Size, Size]]:
        """Every job by name, with the size of its folder and that of its cell's checkpoints."""
        jobs = sorted(self.jobs.items(), key=lambda item: item[0].text)
        return [(job, size, self.checkpoints.get(job.cell.folder, Size())) for job, size in jobs]


def kind_of(name: str) -> str:
    """The kind of an object, by its name in the study's folder."""
    folder, slash, _ = name.partition("/")
    if slash and folder in (CHECKPOINTS, CODE, DATA):
        return folder
    file = name.rpartition("/")[2]
    return _BY_FILE.get(file, RECORDS if file.endswith(".json") else OTHER)


def is_of(name: str, jobs: Collection[JobName]) -> bool:
    """Whether an object (by its name in the study's folder) belongs to one of the jobs, checkpoints included."""
    folder, slash, rest = name.partition("/")
    if folder == CHECKPOINTS:
        return any(rest.partition("/")[0] == job.cell.folder for job in jobs)
    return bool(slash) and any(folder == job.text for job in jobs)


def month_usd(size: int, price: float | None) -> float | None:
    """The price of `size` bytes for a month.

    Args:
        size: bytes.
        price: US dollars for 1e9 bytes and a month; None if unknown.
    """
    return None if price is None else float(Fraction(str(price)) * size / _GB)


def facts(storage: Storage, price: float | None) -> dict[str, Any]:
    """The sums as JSON types, with prices a month where known."""
    sizes = {"total": storage.total, **storage.kinds}
    found = {name: {**vars(size), "usd_month": month_usd(size.bytes, price)} for name, size in sizes.items()}
    return {
        "total": found.pop("total"),
        "kinds": found,
        "jobs": {job.text: {**vars(size), "checkpoint_bytes": cell.bytes} for job, size, cell in storage.rows()},
        "checkpoints": {cell: dict(vars(size)) for cell, size in sorted(storage.checkpoints.items())},
    }
