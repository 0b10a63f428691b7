"""Networks from shapes, networks pruned from others, and those that are shipped."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from analog_nmos.topology.dense import Dense
from analog_nmos.topology.network import Topology, load_topology
from analog_nmos.topology.shape import Shape
from common.cli import check
from common.errors import InputError

DENSE_DIGITS = "digits_8x8_dense_io_x1.npz"


def dense(n_inputs: int, n_outputs: int, copies: int = 1, **meta: Any) -> Topology:
    """Every input joined to every output by `copies` parallel transistors.

    Node numbers: negref 1, posref 2, outputs 3 .. 2+K, then the inputs. Edge ((i*K)+k)*copies + c is copy c
    from input i to output k.

    Raises:
        InputError: a count below 1, or more edges or nodes than MOST_EDGES and LARGEST_NODE.
    """
    network = built(Dense(inputs=n_inputs, outputs=n_outputs, copies=copies))
    return network.keep(np.arange(network.n_edges), **meta)


def built(shape: Shape) -> Topology:
    """The network of a shape, whose options are checked as on the command line.

    Raises:
        InputError: an option outside its range, options that contradict each other, or too many edges or nodes.
    """
    check(shape)
    return shape.build()


def prune_pairs(topology: Topology, pairs: Iterable[tuple[int, int]]) -> Topology:
    """Without every edge from input i to output k, for each (i, k) in `pairs` (indices, not node numbers)."""
    gone = {_pair(topology, i, k) for i, k in pairs}
    keep = [pair not in gone for pair in zip(topology.edges_D.tolist(), topology.edges_S.tolist(), strict=True)]
    return topology.keep(np.array(keep), pruned_by="pair")


def prune_copies(topology: Topology, triples: Iterable[tuple[int, int, int]]) -> Topology:
    """Without copy c (counted in edge order) of the pair (i, k), for each (i, k, c) in `triples`.

    Raises:
        InputError: a pair or a copy that does not exist.
    """
    triples = list(triples)
    gone = {(*_pair(topology, i, k), c) for i, k, c in triples}
    seen: dict[tuple[int, int], int] = {}
    keep = np.ones(topology.n_edges, bool)
    for edge, pair in enumerate(zip(topology.edges_D.tolist(), topology.edges_S.tolist(), strict=True)):
        keep[edge] = (*pair, seen.get(pair, 0)) not in gone
        seen[pair] = seen.get(pair, 0) + 1
    for i, k, c in triples:
        copies = seen.get(_pair(topology, i, k), 0)
        if not 0 <= c < copies:
            raise InputError(f"copy {c} of pair ({i}, {k}): the pair has {copies}, counted from 0")
    return topology.keep(keep, pruned_by="pair and copy")


def prune_flat(topology: Topology, indices: Iterable[int]) -> Topology:
    """Without every edge of each flat pair index i*K + k in `indices`."""
    n_outputs = topology.n_outputs
    pruned = prune_pairs(topology, [divmod(index, n_outputs) for index in indices])
    return pruned.keep(np.arange(pruned.n_edges), pruned_by="flat pair index")


@cache
def shipped(name: str = DENSE_DIGITS) -> Topology:
    """A topology that comes with the package, by its file name."""
    with resources.as_file(resources.files("analog_nmos.topology") / name) as path:
        return load_topology(path)


def shipped_path(name: str = DENSE_DIGITS) -> Path:
    """Path of that file (the package is installed as plain files)."""
    return Path(str(resources.files("analog_nmos.topology") / name))


def find_topology(name: str | Path) -> Topology:
    """A topology by the path of its file, or, if there is no such file, a shipped one by its name.

    Raises:
        InputError: neither exists, or the file holds no valid network.
    """
    path = Path(name)
    ours = shipped_path(f"{path.stem}.npz")
    # os.path: a name longer than a file system takes does not exist, which Path.exists raises OSError for
    by_name = path.parent == Path() and not os.path.exists(path) and os.path.exists(ours)
    return load_topology(ours if by_name else path)


def _pair(topology: Topology, i: int, k: int) -> tuple[int, int]:
    if not (0 <= i < topology.n_inputs and 0 <= k < topology.n_outputs):
        raise InputError(f"pair ({i}, {k}): inputs are 0..{topology.n_inputs - 1}, outputs 0..{topology.n_outputs - 1}")
    return int(topology.input_nodes[i]), int(topology.out_nodes[k])
