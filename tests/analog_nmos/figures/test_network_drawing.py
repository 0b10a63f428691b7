"""Drawn networks have their edges, in the colours of their gate voltages, the outstanding ones on top."""

import numpy as np
import pytest

from analog_nmos.figures.edge_colors import EdgeColors
from analog_nmos.figures.network_drawing import output_graphs, whole_graph
from analog_nmos.figures.network_layout import positions
from analog_nmos.topology import Topology, dense, shipped

pytestmark = pytest.mark.usefixtures("foreign_settings")


def lines(ax):
    """Segments with more than a point: the edges, not the markers."""
    (found,) = [item for item in ax.collections if hasattr(item, "get_segments")]
    return found


def test_every_edge_of_the_digits_is_drawn_with_its_voltage():
    gate_V = np.random.default_rng(0).uniform(1, 3, 640)
    edges = lines(whole_graph(shipped(), "t", EdgeColors(gate_V, (1.0, 3.0), 2.0)).axes[0])
    assert len(edges.get_segments()) == 640
    shown = edges.get_array()
    assert sorted(shown) == sorted(gate_V)
    assert (np.diff(np.abs(shown - 2.0)) >= 0).all()
    places, network = positions(shipped()), shipped()
    for uid in (0, 17, 639):
        path = edges.get_segments()[int(np.flatnonzero(shown == gate_V[uid])[0])]
        assert tuple(path[0]) == places[int(network.edges_D[uid])]
        assert tuple(path[-1]) == places[int(network.edges_S[uid])]


def test_colours_reach_equally_far_to_both_sides():
    norm = EdgeColors(np.array([1.0]), (0.4, 3.0), 1.0).norm()
    assert (norm.vmin, norm.vmax) == (-1.0, 3.0)
    flat = EdgeColors(np.array([2.0]), (2.0, 2.0), 2.0).norm()
    assert (flat.vmin, flat.vmax) == (1.0, 3.0)


def test_each_panel_has_the_edges_of_its_output_alone():
    network = dense(4, 3).keep([0, 1, 4, 5, 8, 11])
    fig = output_graphs(network, "t", EdgeColors(np.arange(6.0), (0.0, 5.0), 2.0))
    assert sorted(lines(fig.axes[0]).get_array()) == [0.0]
    assert sorted(lines(fig.axes[1]).get_array()) == [1.0, 2.0]
    assert sorted(lines(fig.axes[2]).get_array()) == [3.0, 4.0, 5.0]
    assert fig.axes[2].get_title() == "output 2: 3 edges"


def test_parallel_edges_lie_beside_each_other():
    paths = lines(whole_graph(dense(4, 1, copies=3), "t").axes[0]).get_segments()
    middles = {tuple(path[1]) for path in paths}
    assert len(middles) == 12


def test_hidden_nodes_and_used_rails_are_drawn():
    network = Topology(1, 2, [5, 6], [3, 4], edges_D=[5, 7, 2], edges_S=[7, 4, 7], hidden_nodes=[7, 8])
    fig = whole_graph(network, "t")
    sizes = [len(item.get_offsets()) for item in fig.axes[0].collections if not hasattr(item, "get_segments")]
    assert sizes == [2, 2, 2, 1]  # inputs, outputs, hidden nodes, and posref, but not negref
    assert len(lines(fig.axes[0]).get_segments()) == 3


@pytest.mark.parametrize("network", [shipped(), dense(1, 1), dense(30, 4), dense(9, 1)])
def test_no_two_nodes_share_a_place(network):
    places = positions(network)
    assert set(places) == set(network.numbered_nodes().tolist())
    assert len(set(places.values())) == len(places)


def test_forty_hidden_nodes_stand_in_rows_of_their_own():
    hidden = np.arange(100, 140)
    network = Topology(1, 2, [5, 6], [3, 4], edges_D=[5], edges_S=[3], hidden_nodes=hidden)
    places = positions(network)
    assert len({places[node] for node in hidden.tolist()}) == 40
    heights = {places[node][1] for node in hidden.tolist()}
    assert len(heights) == 2
    assert all(places[3][1] < height < places[5][1] for height in heights)
