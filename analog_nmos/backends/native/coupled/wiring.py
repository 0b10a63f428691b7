"""Where the edges and nodes of a network with hidden nodes go: renumbered nodes, slots of edges, places in the matrix.

Free nodes are numbered in the order in which they are eliminated, fixed ones (rails, inputs) follow. First come the
stars: hidden nodes whose free neighbours are all outputs. Often most of them see the same outputs, each by an edge from
the star; eight such stars form a bundle, and bundles come first. The matrix's entries lie in one array, `data`:

    stars:    the diagonal of each, filled up to whole vectors
    bundles:  of each, for each output its eight rows' entries and its eight columns'
    others:   of each star that is in no bundle, for each output that it sees its row's entry and its column's
    outputs:  (K, K), row by row, outputs in their own order
    others:   as they come, and one last place for what has none

Up to WHOLE free nodes there are no stars, and the data is the whole matrix, column by column, a front's stride apart.

A slot is an edge's place in memory, slots come in blocks of eight. First come the sheaves: blocks whose edges run from
fixed nodes to one free node, so that their currents are summed in a register. Then come the fans: for each output that
bundles see, a block of each bundle, with its edges to this output. All other blocks (loose) hold any edges.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analog_nmos.backends.native.coupled.fronts import WHOLE, Fronts, arrays, elimination_order, tree, whole
from analog_nmos.topology.network import IntArray, Topology
from common.kernels.vectors import WIDTH

LEAST = WIDTH // 2  # edges that make it worth filling up a block of a node's own


class Wiring(NamedTuple):
    """One topology as the kernels read it: F free nodes, X fixed ones, B bundles, T other stars, K outputs.

    Attributes:
        drain, source: (slots,) nodes of each edge; filling joins the last fixed node with itself.
        sheaf: (sheaves,) the free node, always the source, of each sheaf.
        sheaf_at: (sheaves + 1,) first slot of each sheaf; where the fans begin.
        place: (4 * slots,) where each slot's DD, DS, SD, SS go in the data, which ends with a place for what has none.
        bundle: (B,) first star of each.
        shape: numbers of the outputs that every star of a bundle sees; none without bundles.
        star_at: (T + 1,) where each star's places begin in `star_output`.
        star_output: number of each output that it sees (0 to K - 1).
        star_place: place in the data of the entry in its row; the one in its column follows.
        outputs: (K,) numbers of the outputs.
        slot: (edges,) of each edge.
        free, fixed: node numbers of the topology, by number here.
        state: (F,) place of each free node among outputs and hidden nodes, the order of what is kept between runs.
    """

    drain: IntArray
    source: IntArray
    sheaf: IntArray
    sheaf_at: IntArray
    place: IntArray
    bundle: IntArray
    shape: IntArray
    star_at: IntArray
    star_output: IntArray
    star_place: IntArray
    outputs: IntArray
    slot: IntArray
    free: IntArray
    fixed: IntArray
    state: IntArray
    fronts: Fronts


def wire(topology: Topology) -> Wiring:
    """Order the nodes of a topology, and find places for its edges and matrix entries."""
    order = _Order(topology)
    free = np.concatenate([order.stars, order.others])
    fixed = np.concatenate([[topology.negref, topology.posref], topology.input_nodes]).astype(np.int64)
    number = np.full(topology.max_node + 1, -1, np.int64)
    number[free] = np.arange(free.size)
    number[fixed] = free.size + np.arange(fixed.size)
    ends = number[topology.edges_D], number[topology.edges_S]
    outputs = number[topology.out_nodes]
    slot, sheaf, sheaf_at, n_slots = _slots(*ends, free.size, order.bundle.size, outputs[order.shape])
    drain, source = (np.full(n_slots, free.size + fixed.size - 1, np.int64) for _ in range(2))
    drain[slot], source[slot] = ends
    place = np.full((n_slots, 4), order.size - 1, np.int64)
    for k, (a, b) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        pairs = (topology.edges_D, topology.edges_S)[a].tolist(), (topology.edges_D, topology.edges_S)[b].tolist()
        place[slot, k] = [order.entry.get(pair, order.size - 1) for pair in zip(*pairs, strict=True)]
    state = np.argsort(number[np.concatenate([topology.out_nodes, topology.hidden_nodes])])
    return Wiring(
        drain, source, sheaf, sheaf_at, place.ravel(), order.bundle, order.shape, order.star_at,
        order.star_output, order.star_place, outputs, slot, free, fixed, state, order.fronts,
    )  # fmt: skip


class _Order:
    """The order of the free nodes of a topology, and where each pair's entry goes."""

    def __init__(self, topology: Topology) -> None:
        outputs, hidden = topology.out_nodes.tolist(), topology.hidden_nodes.tolist()
        free = set(outputs) | set(hidden)
        sees: dict[int, set[int]] = {node: set() for node in free}
        leads: dict[int, set[int]] = {node: set() for node in free}  # from drain to source
        for drain, source in zip(topology.edges_D.tolist(), topology.edges_S.tolist(), strict=True):
            if drain in free and source in free:
                sees[drain].add(source)
                sees[source].add(drain)
                leads[drain].add(source)
        self.entry: dict[tuple[int, int], int] = {}
        self.size = 0
        self.bundle = self.shape = self.star_output = self.star_place = self.stars = np.zeros(0, np.int64)
        self.star_at = np.zeros(1, np.int64)
        if len(free) <= WHOLE:
            self._whole([*hidden, *outputs])
            return
        within = set(outputs)
        stars = [node for node in hidden if sees[node] <= within]
        self._stars(stars, sees, leads, outputs)
        for row in outputs:
            for column in outputs:
                self._add(row, column)
        others = [node for node in hidden if not sees[node] <= within]
        for node in others:
            self._add(node, node)
            for other in sorted(sees[node]):
                self._add(node, other)
                if other in within:
                    self._add(other, node)
        self.size += 1
        self._fronts(others, outputs, sees)

    def _add(self, row: int, column: int) -> None:
        self.entry[row, column] = self.size
        self.size += 1

    def _whole(self, nodes: list[int]) -> None:
        self.fronts = whole(len(nodes))
        stride = int(self.fronts.stride[0])
        self.entry = {(a, b): j * stride + i for i, a in enumerate(nodes) for j, b in enumerate(nodes)}
        self.size = stride * len(nodes) + 1
        self.others = np.array(nodes, np.int64)

    def _stars(
        self, stars: list[int], sees: dict[int, set[int]], leads: dict[int, set[int]], outputs: list[int]
    ) -> None:
        bundled, seen = _bundles(stars, sees, leads)
        taken = set(bundled)
        single = [node for node in stars if node not in taken]
        self.stars = np.array(bundled + single, np.int64)
        for star in self.stars.tolist():
            self._add(star, star)
        self.size = -(-self.size // WIDTH) * WIDTH
        order = {node: k for k, node in enumerate(outputs)}
        shape = sorted(seen, key=order.__getitem__)
        for first in range(0, len(bundled), WIDTH):
            for other in shape:
                for star in bundled[first : first + WIDTH]:
                    self._add(star, other)
                for star in bundled[first : first + WIDTH]:
                    self._add(other, star)
        starts, found, places = [0], [], []
        for star in single:
            for other in sorted(sees[star], key=order.__getitem__):
                found.append(order[other])
                places.append(self.size)
                self._add(star, other)
                self._add(other, star)
            starts.append(len(places))
        self.bundle = np.arange(0, len(bundled), WIDTH)
        self.shape = np.array([order[node] for node in shape], np.int64)
        self.star_at, self.star_output, self.star_place = (np.array(x, np.int64) for x in (starts, found, places))

    def _fronts(self, others: list[int], outputs: list[int], sees: dict[int, set[int]]) -> None:
        local = {node: k for k, node in enumerate(others)}
        pairs = [(local[a], local[b]) for a in others for b in sees[a] if b in local and local[a] < local[b]]
        rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
        turn = elimination_order(rows, columns, len(others)).tolist()
        nodes = [*(others[k] for k in turn), *outputs]
        local = {node: k for k, node in enumerate(nodes)}
        neighbours = [{local[b] for b in sees[a] if b in local} for a in nodes]
        entry = {(local[a], local[b]): k for (a, b), k in self.entry.items() if a in local and b in local}
        order, fronts = arrays(tree(neighbours, len(others)), entry, self.stars.size)
        self.others = np.array(nodes, np.int64)[order]
        self.fronts = fronts


def _bundles(
    stars: list[int], sees: dict[int, set[int]], leads: dict[int, set[int]]
) -> tuple[list[int], frozenset[int]]:
    """The stars of all bundles, and the outputs that each of them sees: of the shape that most stars have."""
    alike: dict[frozenset[int], list[int]] = {}
    for star in stars:
        if sees[star] and leads[star] == sees[star]:
            alike.setdefault(frozenset(sees[star]), []).append(star)
    shape = max(alike, key=lambda seen: len(alike[seen]), default=frozenset[int]())
    bundled = alike.get(shape, [])
    bundled = bundled[: len(bundled) // WIDTH * WIDTH]
    return bundled, shape if bundled else frozenset()


def _slots(
    drain: IntArray, source: IntArray, n_free: int, n_bundles: int, shape: IntArray
) -> tuple[IntArray, IntArray, IntArray, int]:
    """Slot of each edge, the node and the first slot of each sheaf, and how many slots there are."""
    slot, sheaf, starts, end = np.full(drain.size, -1, np.int64), [], [0], 0
    bundled = np.flatnonzero((drain >= n_free) & (source < n_free))
    turn = bundled[np.argsort(source[bundled], kind="stable")]
    for edges in np.split(turn, np.flatnonzero(np.diff(source[turn])) + 1):
        whole = edges.size if edges.size % WIDTH >= LEAST else edges.size // WIDTH * WIDTH
        slot[edges[:whole]] = end + np.arange(whole)
        if whole:
            end += -(-whole // WIDTH) * WIDTH
            sheaf.append(int(source[edges[0]]))
            starts.append(end)
    n_bundled = n_bundles * WIDTH
    for output in shape.tolist():
        star, edges = np.unique(np.where(source == output, drain, n_free), return_index=True)
        edges = edges[star < n_bundled]
        slot[edges] = end + np.arange(n_bundled)
        end += n_bundled
    loose = np.flatnonzero(slot < 0)
    slot[loose] = end + np.arange(loose.size)
    return slot, np.array(sheaf, np.int64), np.array(starts, np.int64), end + -(-loose.size // WIDTH) * WIDTH
