"""The topology of a transistor network: which numbered nodes each edge (one transistor) joins."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.inputs import Arrays
from common.runs.files import atomic_writer

IntArray = NDArray[np.int64]
LARGEST_NODE = 1_000_000  # arrays of voltages are indexed by node number
REQUIRED = ("negref", "posref", "input_nodes", "out_nodes", "edges_D", "edges_S")


@dataclass(frozen=True, eq=False)
class Topology:
    """A network of transistors between numbered nodes (0 is ground and belongs to no edge).

    Edge e has its drain at `edges_D[e]` and its source at `edges_S[e]`, any two different nodes that are rails, inputs,
    outputs or hidden; parallel edges are allowed.

    Raises:
        InputError: an array of the wrong shape, no inputs, outputs or edges, or an edge at a node without a role.
    """

    negref: int
    posref: int
    input_nodes: IntArray  # (inputs,)
    out_nodes: IntArray  # (outputs,)
    edges_D: IntArray  # (edges,)
    edges_S: IntArray  # (edges,)
    hidden_nodes: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    meta: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("input_nodes", "out_nodes", "edges_D", "edges_S", "hidden_nodes"):
            object.__setattr__(self, name, _integers(name, getattr(self, name)))
        _check_number(max(self.negref, self.posref))
        _validate(self)

    @property
    def n_inputs(self) -> int:
        """Number of input nodes."""
        return self.input_nodes.size

    @property
    def n_outputs(self) -> int:
        """Number of output nodes."""
        return self.out_nodes.size

    @property
    def n_edges(self) -> int:
        """Number of transistors."""
        return self.edges_D.size

    @property
    def max_node(self) -> int:
        """The largest numbered node; gate, body and sink nodes come after it."""
        return int(self.numbered_nodes().max())

    def numbered_nodes(self) -> IntArray:
        """Rails, outputs, inputs and hidden nodes, in that order."""
        rails = np.array([self.negref, self.posref], np.int64)
        return np.concatenate([rails, self.out_nodes, self.input_nodes, self.hidden_nodes])

    def keep(self, edges: NDArray[Any], **meta: Any) -> Topology:
        """The same nodes with only the chosen edges (an index array or a mask of shape (edges,)); `meta` is added."""
        return Topology(
            self.negref,
            self.posref,
            self.input_nodes,
            self.out_nodes,
            self.edges_D[edges],
            self.edges_S[edges],
            self.hidden_nodes,
            {**self.meta, **meta},
        )

    def save(self, path: str | Path) -> None:
        """Write the NPZ file atomically; the meta goes in as JSON text, so that no reader needs pickle."""
        arrays: dict[str, Any] = {name: getattr(self, name) for name in REQUIRED[2:]}
        if self.hidden_nodes.size:
            arrays["hidden_nodes"] = self.hidden_nodes
        with atomic_writer(Path(path)) as stream:
            np.savez(
                stream,
                negref=np.int64(self.negref),
                posref=np.int64(self.posref),
                meta_json=np.array(json.dumps(self.meta)),
                **arrays,
            )


def load_topology(path: str | Path) -> Topology:
    """Read a topology from an NPZ file (arrays as in `Topology`, and optional meta_json).

    Older files hold meta_json as a pickled object array: that array is dropped with a warning.

    Raises:
        InputError: no such file, not an NPZ file, a missing or pickled array, or an invalid network.
    """
    archive = Arrays(path, "topology")
    missing = [name for name in REQUIRED if name not in archive]
    if missing:
        raise InputError(f"topology {path}: no array named {', '.join(missing)}; needs {', '.join(REQUIRED)}")
    arrays: dict[str, Any] = {name: archive[name] for name in REQUIRED}
    if "hidden_nodes" in archive:
        arrays["hidden_nodes"] = archive["hidden_nodes"]
    meta = _read_meta(path, archive) if "meta_json" in archive else {}
    try:
        return Topology(**{**arrays, "negref": _node(arrays["negref"]), "posref": _node(arrays["posref"])}, meta=meta)
    except InputError as problem:
        raise InputError(f"topology {path}: {problem}") from None


def _read_meta(path: str | Path, archive: Arrays) -> dict[str, Any]:
    """The meta, which no number depends on: one that cannot be read is dropped."""
    try:
        meta = json.loads(str(archive["meta_json"]))
    except (ValueError, RecursionError):  # an InputError is a ValueError
        warnings.warn(f"topology {path}: meta_json is not JSON text (older files pickle it); dropped", stacklevel=3)
        return {}
    return meta if isinstance(meta, dict) else {"meta": meta}


def _node(value: NDArray[Any]) -> int:
    if value.size != 1 or not np.issubdtype(value.dtype, np.integer):
        raise InputError("negref and posref must be one integer each")
    return int(value.reshape(()))


def _integers(name: str, values: Any) -> IntArray:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        raise InputError(f"{name} must be a 1-D array of integers, not {array.ndim}-D {array.dtype}")
    if array.size:
        _check_number(int(array.max()))
    array = array.astype(np.int64)
    array.setflags(write=False)
    return array


def _check_number(largest: int) -> None:
    if largest > LARGEST_NODE:
        raise InputError(f"node {largest}: nodes are numbered from 1 to {LARGEST_NODE} at most")


def _validate(topology: Topology) -> None:
    drains, sources = topology.edges_D, topology.edges_S
    for name in ("input_nodes", "out_nodes", "edges_D"):
        if not getattr(topology, name).size:
            raise InputError(f"{name} is empty; a network has inputs, outputs and edges")
    if drains.size != sources.size:
        raise InputError(f"edges_D has {drains.size} entries and edges_S {sources.size}; they must match")
    nodes = topology.numbered_nodes()
    if nodes.min() < 1 or np.unique(nodes).size != nodes.size:
        raise InputError("rails, inputs, outputs and hidden nodes must be different numbers from 1 up")
    if np.any(drains == sources):
        raise InputError(f"edge {int(np.argmax(drains == sources))} joins a node with itself")
    for side, ends in (("drain", drains), ("source", sources)):
        wrong = ~np.isin(ends, nodes)
        if wrong.any():
            edge = int(np.argmax(wrong))
            raise InputError(f"edge {edge}: {side} {int(ends[edge])} is no rail, input, output or hidden node")
