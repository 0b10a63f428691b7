"""Draw the state of a circuit: nodes by their voltages, transistors by a quantity that each of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.edge_colors import COLOR_MAP, EdgeColors
from analog_nmos.figures.network_drawing import NODE_STYLES, draw_network
from analog_nmos.figures.network_layout import period, positions
from analog_nmos.figures.sheet import color_bar
from analog_nmos.topology.graph import as_graph
from common.figure_style import SEQUENTIAL
from common.plotting import COLORS, figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from analog_nmos.topology import Topology

FloatArray = NDArray[np.float64]
HEIGHTS_IN = {1: 4.6, 2: 3.4}  # of a drawing with so many panels
MOST_WRITTEN = 40  # nodes up to which names and voltages are written
WIDTHS = (0.7, 3.6)  # of transistors in points, from 0 to the largest value
SIZE, SMALL = 200, 24  # of nodes in square points, with a name inside and without
AREA = {"input": 1.0, "output": 1.2, "hidden": 0.8, "rail": 1.9}  # markers that look equally large
RIM, RING = ("#303030", 0.6), (COLORS[1], 2.2)  # colour and width in points of what surrounds a node
PLAIN = "#EDEDED"
GROWING, FAINTEST = "YlOrRd", 0.25  # the map's beginning is hard to see on white
LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue


@dataclass(frozen=True)
class CircuitState:
    """One panel of a drawing.

    Attributes:
        title: above the panel.
        node_V: voltages by node number, shape (max_node + 1,) in volts: a row of `backends.base.Solution.node_V`. None
            leaves the nodes without colours.
        edges: a value for each transistor, shape (edges,), such as its squared drop; None draws them in grey.
        held: numbers of nodes that get a ring, such as clamped outputs.
    """

    title: str = ""
    node_V: FloatArray | None = None
    edges: FloatArray | None = None
    held: Sequence[int] = ()


def circuit_drawing(
    topology: Topology,
    states: Sequence[CircuitState],
    *,
    edge_label: str = "",
    signed: bool = False,
    names: Mapping[int, str] | None = None,
) -> Figure:
    """One state of a circuit, or two beside each other in the same colours.

    Args:
        topology: the network.
        states: one or two panels.
        edge_label: the quantity of the transistors with its unit, for the colour bar.
        signed: whether that quantity has a sign: its colours then diverge from 0, else they grow from 0.
        names: written into nodes, by number, instead of V- and V+ (rails), V1 V2 ... (inputs), O1 O2 ... (outputs) and
            the numbers of hidden nodes. Above 40 nodes neither names nor voltages are written.

    Raises:
        ValueError: voltages or values that are not finite or of another shape than the network's, or more panels.
    """
    roles = _roles(topology)
    _check(topology, list(roles), states)
    names = _names(topology) | dict(names or {}) if len(roles) <= MOST_WRITTEN else {}
    nodes = _node_colors([state.node_V[list(roles)] for state in states if state.node_V is not None])
    edges = _edge_colors([state.edges for state in states if state.edges is not None], signed)
    fig, axes = figure(ncols=len(states), width="double", height_in=HEIGHTS_IN[len(states)], squeeze=False)
    with style():
        for ax, state in zip(axes[0], states, strict=True):
            _draw_edges(ax, topology, state.edges, edges)
            _draw_nodes(ax, topology, roles, state, nodes, SIZE if names else SMALL)
            _write(ax, topology, names, state.node_V, nodes)
            _finish(ax, topology, state.title)
        _legend(fig, list(dict.fromkeys(roles.values())), any(len(state.held) for state in states))
    for colors, label in ((nodes, "node voltage (V)"), (edges, edge_label)):
        if colors is not None:
            color_bar(fig, colors, list(axes[0]), label)
    return fig


def _roles(topology: Topology) -> dict[int, str]:
    """The nodes that are drawn, with their roles; a rail without transistors is not."""
    graph = as_graph(topology)
    kinds = {node: facts["kind"] for node, facts in graph.nodes(data=True)}
    return {node: kind for node, kind in kinds.items() if kind != "rail" or graph.degree(node)}


def _check(topology: Topology, drawn: list[int], states: Sequence[CircuitState]) -> None:
    if len(states) not in HEIGHTS_IN:
        raise ValueError(f"{len(states)} panels, allowed: 1 or 2")
    for state in states:
        if (voltages := state.node_V) is not None:
            if voltages.ndim != 1 or voltages.size <= topology.max_node:
                raise ValueError(f"node_V of shape {voltages.shape}: the network has nodes up to {topology.max_node}")
            if not np.isfinite(voltages[drawn]).all():
                raise ValueError("node_V is not finite; was the circuit solved?")
        if (values := state.edges) is not None:
            if values.shape != (topology.n_edges,):
                raise ValueError(f"edges of shape {values.shape}: the network has {topology.n_edges} transistors")
            if not np.isfinite(values).all():
                raise ValueError("a value of edges is not finite")


def _names(topology: Topology) -> dict[int, str]:
    names = {topology.negref: "V-", topology.posref: "V+"}
    for letter, nodes in (("V", topology.input_nodes), ("O", topology.out_nodes)):
        names |= {node: f"{letter}{k}" for k, node in enumerate(nodes.tolist(), start=1)}
    return names | {node: str(node) for node in topology.hidden_nodes.tolist()}


def _node_colors(panels: Sequence[FloatArray]) -> Any:
    """Colours of the voltages of all panels, from their lowest to their highest; None where there are none."""
    return _colors(SEQUENTIAL, float(np.min(panels)), float(np.max(panels))) if panels else None


def _edge_colors(panels: Sequence[FloatArray], signed: bool) -> Any:
    if not panels:
        return None
    reach = float(np.max(np.abs(panels))) or 1.0
    if signed:
        return _colors(COLOR_MAP, -reach, reach)
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return _colors(ListedColormap(list(colormaps[GROWING](np.linspace(FAINTEST, 1.0, 256)))), 0.0, reach)


def _colors(color_map: Any, low: float, high: float) -> Any:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(low, high if high > low else low + 1.0), color_map)


def _draw_edges(ax: Axes, topology: Topology, values: FloatArray | None, colors: Any) -> None:
    order = None if values is None else EdgeColors(values, (0.0, 1.0), 0.0)  # small values below large ones
    lines = draw_network(ax, as_graph(topology), positions(topology), order, linewidth=1.0, period_=period(topology))
    if values is not None:
        lines.set(cmap=colors.cmap, norm=colors.norm)
        share = np.abs(np.asarray(lines.get_array())) / colors.norm.vmax
        lines.set(linewidths=WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * share)


def _draw_nodes(
    ax: Axes, topology: Topology, roles: Mapping[int, str], state: CircuitState, colors: Any, size: float
) -> None:
    places = positions(topology)
    for kind in dict.fromkeys(roles.values()):
        nodes = [node for node, role in roles.items() if role == kind]
        x, y = zip(*(places[node] for node in nodes), strict=True)
        fill: Any = PLAIN if state.node_V is None else colors.to_rgba(state.node_V[nodes])
        rims, widths = zip(*(RING if node in state.held else RIM for node in nodes), strict=True)
        points = ax.scatter(x, y, s=size * AREA[kind], marker=NODE_STYLES[kind]["marker"], zorder=2)
        points.set(facecolors=fill, edgecolors=rims, linewidths=widths)


def _write(ax: Axes, topology: Topology, names: Mapping[int, str], node_V: FloatArray | None, colors: Any) -> None:
    """Names in the nodes, and voltages beside them."""
    from matplotlib.patheffects import withStroke

    places, rails = positions(topology), (topology.negref, topology.posref)
    beside: Any = {"textcoords": "offset points", "size": 6, "ha": "left", "va": "top", "zorder": 4}
    halo = [withStroke(linewidth=1.6, foreground="white")]
    for node in _roles(topology) if names else ():
        dark = node_V is not None and np.dot(colors.to_rgba(node_V[node])[:3], LUMINANCE) < 0.5
        right, down = (11, -3) if node in rails else (7, 0)  # a triangle is wide below its middle
        ax.annotate(
            names[node], places[node], (0, down), textcoords="offset points", color="white" if dark else "black",
            size=6.5, ha="center", va="center_baseline", zorder=3,
        )  # fmt: skip
        if node_V is not None:
            ax.annotate(f"{node_V[node]:.3f}", places[node], (right, -7), path_effects=halo, **beside)


def _finish(ax: Axes, topology: Topology, title: str) -> None:
    ax.set_title(title)
    ax.set_axis_off()
    ax.margins(0.06)
    ax.autoscale_view()
    if period(topology) is not None:
        ax.set_aspect("equal")


def _legend(fig: Figure, kinds: Sequence[str], held: bool) -> None:
    from matplotlib.lines import Line2D

    markers = [(kind, NODE_STYLES[kind]["marker"], RIM) for kind in kinds] + [("clamped", "o", RING)] * held
    handles = [
        Line2D([], [], linestyle="", marker=marker, markersize=6, markerfacecolor=PLAIN, markeredgecolor=color,
               markeredgewidth=width, label=label)
        for label, marker, (color, width) in markers
    ]  # fmt: skip
    fig.legend(handles=handles, loc="outside lower center", ncols=len(handles))
