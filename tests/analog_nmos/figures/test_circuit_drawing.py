"""A drawn circuit shows the voltages of its nodes and the values of its transistors, and says what is what."""

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgba

from analog_nmos.figures.circuit_drawing import RING, CircuitState, circuit_drawing
from analog_nmos.figures.network_layout import positions
from analog_nmos.topology import Topology, shipped
from analog_nmos.topology.torus import Torus
from common.plotting import save

pytestmark = pytest.mark.usefixtures("foreign_settings")
TORUS = Torus().build()
NODE_V = np.linspace(0.0, 0.45, 17)


def edges(ax):
    (found,) = [item for item in ax.collections if hasattr(item, "get_segments")]
    return found


def nodes(ax):
    """Place to (face colour, colour and width of the rim) of every node."""
    found = {}
    for item in ax.collections:
        if not hasattr(item, "get_segments"):
            many = len(item.get_offsets())
            faces = np.broadcast_to(item.get_facecolors(), (many, 4))
            for place, face, rim, width in zip(
                item.get_offsets(), faces, item.get_edgecolors(), item.get_linewidths(), strict=True
            ):
                found[tuple(map(float, place))] = tuple(face), tuple(rim), float(width)
    return found


def bars(fig):
    """Label to ends of the colour bars."""
    shown = [ax for ax in fig.axes if ax.get_ylabel()]
    return {ax.get_ylabel(): ax.get_ylim() for ax in shown}


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_nodes_have_their_voltages_in_colour_and_in_words():
    fig = circuit_drawing(TORUS, [CircuitState("free", NODE_V)])
    assert bars(fig) == {"node voltage (V)": pytest.approx((NODE_V[1], 0.45))}  # ground is no node of the network
    drawn, places = nodes(fig.axes[0]), positions(TORUS)
    assert set(drawn) == set(places.values())
    viridis = colormaps["viridis"]
    for node, place in places.items():
        assert drawn[place][0] == pytest.approx(viridis((NODE_V[node] - NODE_V[1]) / (0.45 - NODE_V[1])), abs=0.01)
        [beside] = [text for text in fig.axes[0].texts if text.get_text() == f"{NODE_V[node]:.3f}"]
        assert beside.xy == place
    assert fig.axes[0].get_title() == "free"


def test_names_say_who_is_who():
    fig = circuit_drawing(TORUS, [CircuitState()], names={11: "O+", 1: "O-"})
    named = {text.get_text(): text.xy for text in fig.axes[0].texts}
    places = positions(TORUS)
    assert {named[name] for name in ("O+", "O-", "V1", "V2", "V-", "V+", "2")} == {
        places[node] for node in (11, 1, 16, 14, 6, 8, 2)
    }
    assert named["O-"] == places[1]
    assert len(named) == 16
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["rail", "output", "input", "hidden"]
    assert bars(fig) == {}


@pytest.mark.parametrize(("signed", "ends"), [(True, (-31.0, 31.0)), (False, (0.0, 31.0))])
def test_transistors_are_coloured_and_wide_by_their_values(signed, ends):
    values = np.random.default_rng(0).permutation(np.arange(32.0))  # not in the order of drawing
    values *= np.where(signed, (-1.0) ** np.arange(32), 1.0)
    fig = circuit_drawing(TORUS, [CircuitState("t", edges=values)], edge_label="update (mV)", signed=signed)
    assert bars(fig) == {"update (mV)": ends}
    lines = edges(fig.axes[0])
    assert (lines.norm.vmin, lines.norm.vmax) == ends
    assert sorted(lines.get_array()) == sorted(values)
    widths = np.array(lines.get_linewidths())
    assert np.allclose(widths, 0.7 + 2.9 * np.abs(lines.get_array()) / 31)
    places = positions(TORUS)
    for uid in (1, 17, 31):
        path = lines.get_segments()[int(np.flatnonzero(np.asarray(lines.get_array()) == values[uid])[0])]
        assert tuple(path[0]) == places[int(TORUS.edges_D[uid])]
        assert tuple(path[-1]) == places[int(TORUS.edges_S[uid])]


def test_two_panels_share_their_colours_and_ring_what_is_held():
    drops = np.linspace(0.0, 0.1, 32)
    states = [CircuitState("free", NODE_V, drops), CircuitState("clamped", 2 * NODE_V, 3 * drops, held=(11, 1))]
    fig = circuit_drawing(TORUS, states, edge_label="squared drop (V²)")
    assert bars(fig) == {
        "node voltage (V)": pytest.approx((NODE_V[1], 0.9)),
        "squared drop (V²)": pytest.approx((0.0, 0.3)),
    }
    assert edges(fig.axes[0]).norm.vmax == edges(fig.axes[1]).norm.vmax
    ringed = [
        {place for place, (_, rim, width) in nodes(ax).items() if (rim, width) == (to_rgba(RING[0]), RING[1])}
        for ax in fig.axes[:2]
    ]
    places = positions(TORUS)
    assert ringed == [set(), {places[11], places[1]}]
    assert "clamped" in [text.get_text() for text in fig.legends[0].get_texts()]


def test_any_network_is_drawn():
    one = Topology(1, 2, [5, 6], [3, 4], edges_D=[5, 7, 2], edges_S=[7, 4, 7], hidden_nodes=[7])
    fig = circuit_drawing(one, [CircuitState("t", np.arange(8.0), np.zeros(3))], edge_label="x", signed=True)
    assert sorted(texts(fig.axes[0])) == sorted(
        ["V1", "V2", "O1", "O2", "7", "V+", *(f"{node:.3f}" for node in (2, 3, 4, 5, 6, 7))]
    )  # not the rail without transistors
    many = circuit_drawing(shipped(), [CircuitState("t", np.full(77, 0.2), np.ones(640))])
    assert texts(many.axes[0]) == []
    assert len(nodes(many.axes[0])) == 74


def test_the_same_state_gives_the_same_picture_whatever_the_users_settings(tmp_path):
    states = [CircuitState("t", NODE_V, NODE_V[1:].repeat(2))]
    paths = [save(circuit_drawing(TORUS, states, edge_label="x"), tmp_path / name) for name in ("a", "b")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert len(paths[0].read_bytes()) > 20_000


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([CircuitState(node_V=NODE_V[:16])], r"node_V of shape \(16,\): the network has nodes up to 16"),
        ([CircuitState(node_V=NODE_V[None])], "node_V of shape"),
        ([CircuitState(node_V=np.where(NODE_V > 0.4, np.nan, NODE_V))], "node_V is not finite"),
        ([CircuitState(edges=np.ones(31))], r"edges of shape \(31,\): the network has 32 transistors"),
        ([CircuitState(edges=np.full(32, np.inf))], "a value of edges is not finite"),
        ([], "0 panels, allowed: 1 or 2"),
        ([CircuitState()] * 3, "3 panels"),
    ],
)
def test_what_does_not_fit_is_refused(states, message):
    with pytest.raises(ValueError, match=message):
        circuit_drawing(TORUS, states)
