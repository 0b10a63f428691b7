"""Layers of nodes, each joined to the next."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from analog_nmos.topology.network import Topology
from analog_nmos.topology.shape import Feedforward, check_edges, numbered
from common.cli import option
from common.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Layered(Feedforward):
    """Layers of nodes, every node joined to every node of the next layer.

    Edges come layer by layer, those of a node side by side.
    """

    layers: tuple[int, ...] = option((64, 32, 10), "nodes of each layer: inputs, hidden layers, outputs", low=1)
    skip: bool = option(False, "join every input to every output, too")

    def check(self) -> None:
        """Raise InputError for fewer than three layers."""
        if len(self.layers) < 3:
            shown = ",".join(map(str, self.layers))
            raise InputError(f"--layers {shown}: name inputs, hidden layers and outputs; without hidden ones: dense")

    def build(self) -> Topology:
        """See `Shape.build`."""
        pairs = list(itertools.pairwise(self.layers)) + [(self.layers[0], self.layers[-1])] * self.skip
        check_edges(sum(above * below for above, below in pairs))
        outputs, inputs, hidden = numbered(self.layers[-1], self.layers[0], sum(self.layers[1:-1]))
        layers = [inputs, *np.split(hidden, np.cumsum(self.layers[1:-2])), outputs]
        joined = list(itertools.pairwise(layers)) + [(inputs, outputs)] * self.skip
        ends = [np.stack([np.repeat(above, below.size), np.tile(below, above.size)], 1) for above, below in joined]
        return self.assemble(inputs, hidden, outputs, np.concatenate(ends))
