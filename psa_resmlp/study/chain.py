"""The modes that a network has been trained in: psa-train goes on from a checkpoint in whatever mode is named.

A chain is a list of links, {"mode": "none", "meta_loops": 2}, neighbours of one mode in one link. run_meta.json has
one for every trial. A trial is pure if all its meta-loops were in one mode; tables and figures compare modes
by pure trials alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNKNOWN = "unknown"  # the mode of another program's file, which does not record it
Chain = list[dict[str, Any]]
ADVICE = "to compare modes, start each with --fresh, or with a separate --model-dir"


def links(modes: Iterable[str]) -> Chain:
    """The chain of meta-loops in these modes."""
    return [{"mode": mode, "meta_loops": len(list(loops))} for mode, loops in itertools.groupby(modes)]


def is_chain(value: Any) -> bool:
    """Whether a value read from a file has the form of a chain."""
    links = value if isinstance(value, list) else [None]
    return all(
        isinstance(link, dict) and set(link) == {"mode", "meta_loops"} and type(link["meta_loops"]) in (int, type(None))
        for link in links
    )


def is_chained(chain: Sequence[Mapping[str, Any]], mode: str) -> bool:
    """Whether a trial with that chain, trained further in `mode`, is one of several modes."""
    return any(link["mode"] != mode for link in chain)


def described(chain: Sequence[Mapping[str, Any]]) -> str:
    """A chain in words, e.g. "none (2 meta-loops), then output (1 meta-loop)"."""
    return ", then ".join(_link(**link) for link in chain)


def leads_on(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]], mode: str) -> bool:
    """Whether meta-loops in `mode` alone lead from the chain `before` to the chain `now`."""
    first, last = _modes(before), _modes(now)
    return last[: len(first)] == first and all(one == mode for one in last[len(first) :])


def _link(mode: str, meta_loops: int | None) -> str:
    if meta_loops is None:
        return f"an {mode} mode"
    return f"{mode} ({meta_loops} meta-loop{'s' * (meta_loops != 1)})"


def _modes(chain: Sequence[Mapping[str, Any]]) -> list[str]:
    return [link["mode"] for link in chain for _ in range(1 if link["meta_loops"] is None else link["meta_loops"])]
