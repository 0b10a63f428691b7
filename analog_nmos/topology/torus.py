"""A square grid that is closed in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analog_nmos.topology.network import Topology
from analog_nmos.topology.shape import IntArray, Shape, check_edges
from common.cli import option
from common.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Torus(Shape):
    """A square grid of nodes, each joined to its right and lower neighbour, closed in both directions.

    Nodes are numbered row by row from 1. Rails, inputs and outputs that are not named are those of the XOR
    experiment: outputs in the middle (side/2, side/2) and at (0, 0), rails at (1, 1) and (1, side-1), inputs at
    (side-1, side-1) and (side-1, 1), rows and columns from 0. All other nodes are hidden.
    """

    side: int = option(4, "rows, and columns", low=3, high=1000)
    negref: int | None = option(None, "node of the negative rail (default: 6 of side 4)", low=1)
    posref: int | None = option(None, "node of the positive rail (default: 8 of side 4)", low=1)
    inputs: tuple[int, ...] = option((), "nodes of the inputs (default: 16,14 of side 4)", low=1)
    outputs: tuple[int, ...] = option((), "nodes of the outputs (default: 11,1 of side 4)", low=1)

    def check(self) -> None:
        """Raise InputError where nodes are outside the grid, or have two roles."""
        roles = [*self._rails(), *self._inputs(), *self._outputs()]
        for node in roles:
            if node > self.side**2:
                raise InputError(f"node {node}: a grid of side {self.side} has the nodes 1 to {self.side**2}")
            if roles.count(node) > 1:
                raise InputError(f"node {node} has two roles; rails, inputs and outputs must be different nodes")

    def build(self) -> Topology:
        """See `Shape.build`."""
        check_edges(2 * self.side**2)
        drain, source = self._edges().T
        negref, posref = self._rails()
        inputs, outputs = np.array(self._inputs()), np.array(self._outputs())
        taken = np.concatenate([[negref, posref], inputs, outputs])
        hidden = np.setdiff1d(np.arange(1, self.side**2 + 1), taken)
        return Topology(negref, posref, inputs, outputs, drain, source, hidden, self.meta())

    def _node(self, row: int, column: int) -> int:
        return 1 + row * self.side + column

    def _rails(self) -> tuple[int, int]:
        usual = self._node(1, 1), self._node(1, self.side - 1)
        return self.negref or usual[0], self.posref or usual[1]

    def _inputs(self) -> tuple[int, ...]:
        last = self.side - 1
        return self.inputs or (self._node(last, last), self._node(last, 1))

    def _outputs(self) -> tuple[int, ...]:
        return self.outputs or (self._node(self.side // 2, self.side // 2), self._node(0, 0))

    def _edges(self) -> IntArray:
        """Ends (2 side^2, 2): each edge once, at its lower node, in the order in which that met its neighbours.

        So networkx lists the edges of a grid that is made cell by cell, right before down, and so the published
        experiments number gate voltages.
        """
        neighbours: dict[int, list[int]] = {node: [] for node in range(1, self.side**2 + 1)}
        for row in range(self.side):
            for column in range(self.side):
                node = self._node(row, column)
                for other in (self._node(row, (column + 1) % self.side), self._node((row + 1) % self.side, column)):
                    neighbours[node].append(other)
                    neighbours[other].append(node)
        return np.array([(node, other) for node, met in neighbours.items() for other in met if other > node])
