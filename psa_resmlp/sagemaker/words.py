"""Numbers and names for messages."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 5


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 job, 1,200 jobs."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def some(names: Sequence[str]) -> str:
    """The first of the names, and how many more there are."""
    return ", ".join(names[:SHOWN]) + (f", and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
