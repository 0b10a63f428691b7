"""Every input joined to every output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analog_nmos.topology.network import Topology
from analog_nmos.topology.shape import Feedforward, check_edges, numbered
from common.cli import option


@dataclass(frozen=True, kw_only=True)
class Dense(Feedforward):
    """Every input joined to every output by one transistor or several.

    Edge ((i*K)+k)*copies + c is copy c from input i to output k of K; edges that options add come after these.
    """

    inputs: int = option(64, "input nodes", low=1)
    outputs: int = option(10, "output nodes", low=1)
    copies: int = option(1, "transistors a pair", low=1)

    def build(self) -> Topology:
        """See `Shape.build`."""
        check_edges(self.inputs * self.outputs * self.copies)
        outputs, inputs, hidden = numbered(self.outputs, self.inputs, 0)
        drain = np.repeat(inputs, self.outputs * self.copies)
        source = np.tile(np.repeat(outputs, self.copies), self.inputs)
        return self.assemble(inputs, hidden, outputs, np.stack([drain, source], axis=1))
