"""What a shape is, and the edges that several of them may have besides their own."""

from __future__ import annotations

import dataclasses
import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.topology.network import LARGEST_NODE, Topology
from common.cli import option
from common.errors import InputError

MOST_EDGES = 10_000_000  # more is likely a typing error
NEGREF, POSREF = 1, 2
IntArray = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Shape(ABC):
    """A shape of networks: a dataclass whose fields, made by `common.cli.option`, are the options of its command.

    Its docstring is the help of `nmos-topology build`. A method `check` may refuse options that contradict each other.
    """

    @abstractmethod
    def build(self) -> Topology:
        """The network of these options.

        Raises:
            InputError: there is no such network, or it has more than MOST_EDGES edges or LARGEST_NODE nodes.
        """

    def meta(self) -> dict[str, Any]:
        """What the network's file says of how it was made: the shape and its options."""
        kind = type(self)
        ours = kind.__module__.startswith(f"{__package__}.")
        name = kind.__name__.lower() if ours else f"{kind.__module__}:{kind.__name__}"
        return {"kind": name, **dataclasses.asdict(self)}


@dataclass(frozen=True, kw_only=True)
class Feedforward(Shape):
    """Edges of networks that lead from inputs to outputs"""

    drain: str = option(
        "input", "which end of an edge is its drain: the nearer one to ...", choices=("input", "output")
    )
    rails: str = option(
        "none", "nodes that have an edge from each of the two rails", choices=("none", "outputs", "hidden", "all")
    )
    join_outputs: bool = option(False, "join each output to all outputs after it")

    def assemble(self, inputs: IntArray, hidden: IntArray, outputs: IntArray, ends: IntArray) -> Topology:
        """The network of `ends` (edges, 2), the end nearer to the inputs first, and of what the options add."""
        railed = {"outputs": outputs, "hidden": hidden, "all": np.concatenate([hidden, outputs])}.get(self.rails)
        more = [] if railed is None else [(rail, int(node)) for node in railed for rail in (NEGREF, POSREF)]
        if self.join_outputs:
            more += itertools.combinations(outputs.tolist(), 2)
        ends = np.concatenate([ends, np.array(more, np.int64).reshape(-1, 2)])
        drain, source = ends.T if self.drain == "input" else ends.T[::-1]
        return Topology(NEGREF, POSREF, inputs, outputs, drain, source, hidden, self.meta())


def numbered(n_outputs: int, n_inputs: int, n_hidden: int) -> tuple[IntArray, IntArray, IntArray]:
    """Node numbers of outputs, inputs and hidden nodes: in this order, from 3 on.

    Raises:
        InputError: more nodes than LARGEST_NODE.
    """
    if (count := n_outputs + n_inputs + n_hidden) > LARGEST_NODE - POSREF:
        raise InputError(f"{count} inputs, outputs and hidden nodes; at most {LARGEST_NODE - POSREF} can be numbered")
    nodes = np.arange(POSREF + 1, POSREF + 1 + count)
    outputs, inputs, hidden = np.split(nodes, [n_outputs, n_outputs + n_inputs])
    return outputs, inputs, hidden


def check_edges(count: int) -> None:
    """Raise InputError for more than MOST_EDGES."""
    if count > MOST_EDGES:
        raise InputError(f"{count} edges; at most {MOST_EDGES} are built")
