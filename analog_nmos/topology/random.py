"""Edges between nodes drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analog_nmos.topology.network import Topology
from analog_nmos.topology.shape import NEGREF, POSREF, IntArray, Shape, check_edges, numbered
from common.cli import option
from common.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Random(Shape):
    """Edges between nodes drawn at random: no two of the same ends, every node has one, every output reaches an input.

    First each output and hidden node is joined to a node that has a path to an input, then each input without an edge
    to one of them; the other edges are drawn from all pairs but those of two driven nodes, and which end is the drain.
    """

    inputs: int = option(8, "input nodes", low=1)
    outputs: int = option(2, "output nodes", low=1)
    hidden: int = option(8, "hidden nodes", low=0)
    edges: int = option(40, "transistors", low=1)
    seed: int = option(0, "seed of NumPy's default_rng", low=0, high=2**32 - 1)
    rails: bool = option(False, "let edges end at the two rails, too")

    def check(self) -> None:
        """Raise InputError for too few or too many edges."""
        free, driven = self.outputs + self.hidden, self.inputs + 2 * self.rails
        least, most = free + self.inputs, free * (free - 1) // 2 + free * driven
        if not least <= self.edges <= max(least, most):
            raise InputError(f"--edges {self.edges}: so many nodes have {least} to {most} edges")
        if most < least:
            raise InputError(f"--edges {self.edges}: so few nodes have at most {most} edges, and need {least}")

    def build(self) -> Topology:
        """See `Shape.build`."""
        check_edges(self.edges)
        rng = np.random.default_rng(self.seed)
        outputs, inputs, hidden = numbered(self.outputs, self.inputs, self.hidden)
        free = np.concatenate([outputs, hidden])
        driven = np.concatenate([[NEGREF, POSREF], inputs]) if self.rails else inputs
        pairs = self._joined(rng, free, inputs)
        known = {frozenset(pair) for pair in pairs}
        nodes = np.concatenate([free, driven])
        while len(pairs) < self.edges:
            first, second = rng.choice(free), rng.choice(nodes)
            if first != second and frozenset((int(first), int(second))) not in known:
                pairs.append((int(first), int(second)))
                known.add(frozenset(pairs[-1]))
        ends = np.array(pairs)
        ends = np.where(rng.random(len(ends))[:, None] < 0.5, ends, ends[:, ::-1])
        return Topology(NEGREF, POSREF, inputs, outputs, ends[:, 0], ends[:, 1], hidden, self.meta())

    @staticmethod
    def _joined(rng: np.random.Generator, free: IntArray, inputs: IntArray) -> list[tuple[int, int]]:
        """Pairs that leave no node without an edge, and no output or hidden node without a path to an input."""
        reached, pairs = inputs.tolist(), []
        for node in rng.permutation(free).tolist():
            pairs.append((node, reached[rng.integers(len(reached))]))
            reached.append(node)
        alone = np.setdiff1d(inputs, np.array(pairs))
        return pairs + [(int(rng.choice(free)), node) for node in alone.tolist()]
