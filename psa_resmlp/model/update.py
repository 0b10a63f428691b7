"""AdamW over a bank on several threads: every thread updates a separate part, so the bits do not change."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from common.replicas.adam import Adam
from common.replicas.bank import Bank

LEAST = 200_000  # numbers a thread: below that, starting threads takes longer than it saves


class _Part:
    """A part of a bank, with the attributes that Adam reads."""

    def __init__(self, bank: Bank, rows: slice, columns: slice) -> None:
        self.values, self.grads = bank.values[rows, columns], bank.grads[rows, columns]
        self.replicas, self.device = self.values.shape[0], bank.device


class Update:
    """`common.replicas.adam.Adam` with decoupled weight decay (AdamW), on `threads` threads where that pays.

    Args:
        bank: what is updated.
        rate: learning rate.
        decays: weight decay, one a replica.
        threads: the largest number of threads.
        kernels: see Adam.
    """

    def __init__(
        self, bank: Bank, rate: float, decays: Sequence[float], *, threads: int = 1, kernels: bool = True
    ) -> None:
        wanted = threads if bank.device.type == "cpu" and bank.values.numel() >= LEAST * threads else 1
        self._parts = []
        for rows, columns in _cut(bank, wanted):
            part: Any = _Part(bank, rows, columns)
            self._parts.append(Adam(cast(Bank, part), rate, list(decays)[rows], decoupled=True, kernels=kernels))
        self._pool = ThreadPoolExecutor(len(self._parts)) if len(self._parts) > 1 else None

    def reset(self) -> None:
        """Forget all moments, as a new optimiser."""
        for part in self._parts:
            part.reset()

    def step(self) -> None:
        """Update all replicas from the bank's gradients."""
        if self._pool is None:
            self._parts[0].step()
            return
        for waiting in [self._pool.submit(part.step) for part in self._parts]:
            waiting.result()


def _cut(bank: Bank, parts: int) -> list[tuple[slice, slice]]:
    """Contiguous parts: rows where there are several replicas, else columns."""
    everything = slice(None)
    if bank.replicas > 1:
        return [(part, everything) for part in _slices(bank.replicas, min(parts, bank.replicas))]
    return [(everything, part) for part in _slices(bank.values.shape[1], parts)]


def _slices(size: int, parts: int) -> list[slice]:
    edges = [size * part // parts for part in range(parts + 1)]
    return [slice(first, last) for first, last in itertools.pairwise(edges)]
