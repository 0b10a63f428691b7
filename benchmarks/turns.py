"""Time several ways of doing the same work in one process, taking turns, so that ratios hold on a busy machine too.

Of each way the shortest of several rounds counts, by the clock and by CPU time each: other work on the machine makes a
round longer, never shorter. CPU time is that of the process, all its threads, and the processes that it started.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Way:
    """A way of doing the work.

    Attributes:
        name: of its row.
        work: does one round; processes that it starts have ended when it returns.
        units: what a round does: 0.1 for a tenth of an epoch, 8 for an epoch of eight networks.
    """

    name: str
    work: Callable[[], object]
    units: float = 1.0


@dataclass(frozen=True)
class Seconds:
    """Seconds of a unit of work: by the clock, and of CPU."""

    wall: float
    cpu: float


def measured(work: Callable[[], object]) -> Seconds:
    """Time one call."""
    cpu, start = _cpu_seconds(), time.perf_counter()
    work()
    return Seconds(time.perf_counter() - start, _cpu_seconds() - cpu)


def in_turns(ways: Sequence[Way], rounds: int) -> list[Seconds]:
    """The shortest round of each way, a unit of work; every way does its round before the next round begins."""
    taken: list[list[Seconds]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, seconds in zip(ways, taken, strict=True):
            seconds.append(measured(way.work))
    return [
        Seconds(min(s.wall for s in seconds) / way.units, min(s.cpu for s in seconds) / way.units)
        for way, seconds in zip(ways, taken, strict=True)
    ]


def print_table(title: str, ways: Sequence[Way], seconds: Sequence[Seconds]) -> None:
    """A row a way, with how many times its seconds are those of the first way (ours)."""
    width = max(len(way.name) for way in ways)
    print(f"{title}\n  {'':{width}}   seconds  CPU s   times ours (CPU)", flush=True)
    for way, one in zip(ways, seconds, strict=True):
        ratio = f"{one.wall / seconds[0].wall:6.2f} ({one.cpu / seconds[0].cpu:.2f})"
        print(f"  {way.name:{width}}  {one.wall:8.4g} {one.cpu:8.4g}  {ratio}", flush=True)


def _cpu_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
