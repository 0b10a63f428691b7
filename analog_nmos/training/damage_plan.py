"""Which transistors are to break, when and how: drawn at random, or read from a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.csv_table import Rows, check_rows, csv_rows
from analog_nmos.training.damage_options import KINDS, OPEN, DamageOptions
from common.errors import InputError
from common.inputs import read_text
from common.seeding import stream
from common.values import integer, shown

IntArray = NDArray[np.int64]
COLUMNS = ("edge", "kind", "epoch")


@dataclass(frozen=True, eq=False)
class DamagePlan:
    """Transistors of a network of E edges that are to break.

    Attributes:
        edges: (D,) their numbers, each once; drawn ones in the order in which a growing share takes them.
        kinds: (D,) of `damage_options.KINDS`.
        epochs: (D,) after which they break; 0 for before training.
        share: of the transistors that are left then, of which the first ones in `edges` break; None: all that it names.
        text: of the file that it was read from; empty if it was drawn.
    """

    edges: IntArray
    kinds: NDArray[np.str_]
    epochs: IntArray
    share: float | None = None
    text: str = ""

    @property
    def last_epoch(self) -> int:
        """After which the last ones break."""
        return int(self.epochs.max())

    def strikes_after(self, epoch: int) -> bool:
        """Whether anything is to break then."""
        return bool((self.epochs == epoch).any())

    def broken(self, epoch: int, edge_uid: IntArray) -> dict[str, IntArray]:
        """Numbers of the edges that break after an epoch, ascending, by kind.

        Args:
            epoch: after which.
            edge_uid: (edges,) numbers of those that are left.
        """
        chosen = np.flatnonzero((self.epochs == epoch) & np.isin(self.edges, edge_uid))
        if self.share is not None:
            chosen = chosen[: int(self.share * edge_uid.size + 0.5)]
        kinds = self.kinds[chosen]
        return {kind: np.sort(self.edges[chosen[kinds == kind]]) for kind in KINDS if (kinds == kind).any()}

    def check(self, n_edges: int) -> None:
        """Raise InputError if it would leave no transistor of a network with so many."""
        everything = np.arange(n_edges)
        opened = [self.broken(epoch, everything).get(OPEN, everything[:0]) for epoch in np.unique(self.epochs).tolist()]
        if sum(map(len, opened)) == n_edges:
            raise InputError(f"damage would leave none of {n_edges} transistors")


def damage_plan(options: DamageOptions, n_edges: int, path: Path | None = None) -> DamagePlan | None:
    """What the options ask for, in a network with so many edges; None where nothing breaks.

    Args:
        options: of a run.
        n_edges: at its start.
        path: of a copy of --damage-list.

    Raises:
        InputError: the file is missing or damaged or does not fit the network, or no transistor would be left.
    """
    plan = None
    if options.damage_list is not None:
        plan = _read(path or options.damage_list, options, n_edges)
    elif options.damage_share:
        order = stream(options.damage_seed, "damage").permutation(n_edges).astype(np.int64)
        kinds = np.full(n_edges, options.damage_kind)
        plan = DamagePlan(order, kinds, np.full(n_edges, options.damage_epoch), options.damage_share)
    if plan is not None:
        plan.check(n_edges)
    return plan


def _read(path: Path, options: DamageOptions, n_edges: int) -> DamagePlan:
    where, text = f"--damage-list {path}", read_text(path, "--damage-list")
    rows = csv_rows(text, where)
    header = _header(where, rows)
    if "epoch" in header and options.damage_epoch:
        raise InputError(f"{where}: has a column epoch; leave --damage-epoch out")
    edges: dict[int, int] = {}
    kinds, epochs = [], []
    for line, row in rows[1:]:
        named = dict(zip(header, row, strict=True))
        edge = _whole(where, line, "edge", named["edge"], n_edges - 1)
        if edge in edges:
            raise InputError(f"{where}, line {line}: edge {edge} was on line {edges[edge]} before")
        if named["kind"] not in KINDS:
            raise InputError(f"{where}, line {line}, column kind: {shown(named['kind'])}; allowed: {', '.join(KINDS)}")
        edges[edge] = line
        kinds.append(named["kind"])
        epochs.append(_whole(where, line, "epoch", named.get("epoch", str(options.damage_epoch))))
    return DamagePlan(np.array(list(edges), np.int64), np.array(kinds), np.array(epochs, np.int64), text=text)


def _header(where: str, rows: Rows) -> list[str]:
    header = rows[0][1] if rows else []
    if sorted(header) not in (sorted(COLUMNS), sorted(COLUMNS[:2])):
        raise InputError(f"{where}: its first line must name the columns edge, kind and, if wanted, epoch")
    if len(rows) < 2:
        raise InputError(f"{where}: has no lines below the names of its columns")
    check_rows(where, rows)
    return header


def _whole(where: str, line: int, name: str, word: str, high: int | None = None) -> int:
    """A whole number from 0 to `high`."""
    try:
        value = integer(word)
    except InputError as problem:
        raise InputError(f"{where}, line {line}, column {name}: {problem}") from None
    if value < 0 or (high is not None and value > high):
        allowed = "0 or more" if high is None else f"0 to {high}, as in topology.npz"
        raise InputError(f"{where}, line {line}, column {name}: {value}; allowed: {allowed}")
    return value
