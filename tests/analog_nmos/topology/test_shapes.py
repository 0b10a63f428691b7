"""The shapes of networks: their nodes and edges, and that what they may have is solved as in ngspice."""

import networkx as nx
import numpy as np
import pytest

from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import built
from analog_nmos.topology.dense import Dense
from analog_nmos.topology.graph import as_graph
from analog_nmos.topology.layered import Layered
from analog_nmos.topology.random import Random
from analog_nmos.topology.torus import Torus

XOR = """
1-2 1-5 1-4 1-13 2-3 2-6 2-14 3-4 3-7 3-15 4-8 4-16 5-6 5-9 5-8 6-7 6-10 7-8 7-11 8-12 9-10 9-13 9-12 10-11 10-14 11-12
11-15 12-16 13-14 13-16 14-15 15-16
"""


def pairs(network):
    return list(zip(network.edges_D.tolist(), network.edges_S.tolist(), strict=True))


def test_the_torus_of_the_xor_experiment():
    network = built(Torus())
    assert pairs(network) == [tuple(map(int, edge.split("-"))) for edge in XOR.split()]
    assert (network.negref, network.posref) == (6, 8)
    assert network.input_nodes.tolist() == [16, 14]
    assert network.out_nodes.tolist() == [11, 1]
    assert network.hidden_nodes.size == 10


@pytest.mark.parametrize("side", [3, 5, 8])
def test_a_torus_has_the_edges_of_networkx_in_its_order(side):
    graph = nx.Graph()
    graph.add_nodes_from(range(1, side * side + 1))
    for node in range(side * side):
        row, column = divmod(node, side)
        graph.add_edge(1 + node, 1 + row * side + (column + 1) % side)
        graph.add_edge(1 + node, 1 + (row + 1) % side * side + column)
    network = built(Torus(side=side, negref=1, posref=2, inputs=(3,), outputs=(4,)))
    assert pairs(network) == list(graph.edges())
    assert network.n_edges == 2 * side * side


def test_layers():
    network = built(Layered(layers=(2, 3, 2, 1)))
    outputs, inputs, first, second = [3], [4, 5], [6, 7, 8], [9, 10]
    wanted = [
        (a, b) for above, below in ((inputs, first), (first, second), (second, outputs)) for a in above for b in below
    ]
    assert pairs(network) == wanted
    assert network.hidden_nodes.tolist() == first + second
    reversed_ = built(Layered(layers=(2, 3, 2, 1), drain="output", skip=True))
    assert pairs(reversed_) == [(b, a) for a, b in [*wanted, (4, 3), (5, 3)]]


def test_what_options_add_to_a_dense_network():
    plain = pairs(built(Dense(inputs=2, outputs=3)))
    more = pairs(built(Dense(inputs=2, outputs=3, rails="outputs", join_outputs=True)))
    assert more == [*plain, *((rail, node) for node in (3, 4, 5) for rail in (1, 2)), (3, 4), (3, 5), (4, 5)]


@pytest.mark.parametrize("seed", range(20))
def test_a_random_network_is_whole(seed):
    shape = Random(inputs=1 + seed % 5, outputs=1 + seed % 3, hidden=seed % 7, edges=25, seed=seed, rails=seed % 2 == 1)
    shape = shape if seed % 7 > 4 else Random(inputs=9, outputs=4, hidden=6, edges=25 + seed, seed=seed)
    network = built(shape)
    ends = [frozenset(pair) for pair in pairs(network)]
    assert len(ends) == len(set(ends)) == shape.edges
    graph = nx.Graph(as_graph(network))
    inputs = network.input_nodes.tolist()
    for node in (*network.out_nodes.tolist(), *network.hidden_nodes.tolist()):
        reached = nx.node_connected_component(graph.subgraph(set(graph) - {1, 2}), node)
        assert reached & set(inputs)
    assert all(graph.degree(node) for node in inputs)
    assert not any(end <= {1, 2, *inputs} for end in ends)
    assert pairs(built(shape)) == pairs(network)
    assert {pair[0] in inputs for pair in pairs(network) if set(pair) & set(inputs)} == {True, False}


@pytest.mark.parametrize(
    "shape",
    [
        Dense(inputs=3, outputs=2, drain="output"),
        Dense(inputs=3, outputs=2, rails="outputs", join_outputs=True),
        Layered(layers=(2, 3, 2), drain="output", rails="all", join_outputs=True),
        Random(inputs=3, outputs=2, hidden=3, edges=16, seed=4, rails=True),
    ],
    ids=["drains at outputs", "rails and joined outputs", "layers", "random"],
)
@pytest.mark.parametrize("tie", ["source", "ground", "floating"])
def test_native_solves_them_as_ngspice_does(shape, tie):
    network, rng = built(shape), np.random.default_rng(1)
    card, options = read_model_card(default_card_path()), CircuitOptions(body_tie=tie, vminus=0.11, vplus=0.33)
    gate_V, input_V = rng.uniform(1.0, 4.0, (1, network.n_edges)), rng.uniform(0, 0.5, (1, network.n_inputs))
    target_V, clamped = rng.uniform(0, 0.4, (1, network.n_outputs)), np.arange(network.n_outputs)[None] == 0
    found = []
    for name in ("native", "ngspice"):
        backend = make_backend(name, [network], card, options)
        backend.set_gates(gate_V)
        free = backend.solve_free(input_V, np.array([True])).node_V.copy()
        nudged = backend.solve_clamped(input_V, target_V, clamped, np.array([True])).node_V.copy()
        found.append(np.concatenate([free, nudged])[:, network.numbered_nodes()])
        backend.close()
    np.testing.assert_allclose(found[0], found[1], atol=2e-6)
    assert np.ptp(found[0][0]) > 0.01
