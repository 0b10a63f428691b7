"""Draw a network: inputs as a tilted sheet of pixels, outputs in a row below them, edges by gate voltage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analog_nmos.figures.edge_colors import COLOR_MAP, LABEL, EdgeColors
from analog_nmos.figures.network_layout import period, positions
from analog_nmos.figures.sheet import color_bar, panels
from analog_nmos.topology.graph import as_graph
from common.plotting import COLORS, figure, style

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    from analog_nmos.topology import Topology

PLAIN = "#909090"
NODE_STYLES: dict[str, dict[str, Any]] = {
    "input": {"color": "#303030", "s": 9, "marker": "s"},
    "output": {"color": "#303030", "s": 75, "marker": "o"},
    "hidden": {"color": COLORS[2], "s": 14, "marker": "D"},
    "rail": {"color": COLORS[3], "s": 22, "marker": "^"},
}
STUB = 0.45  # how far an edge to the other side goes beyond the last node, in steps of the grid
SAG = 0.04  # of edges along a row of nodes, below which they pass, as a fraction of their length
LABEL_PT = 10.4  # size of a letter, times their number, that fits into the marker of an output
Place = tuple[float, float]
BEND = 0.012  # distance of parallel edges, as a fraction of the drawing's width


def whole_graph(
    topology: Topology, title: str, colors: EdgeColors | None = None, labels: Sequence[str] | None = None
) -> Figure:
    """The network in one drawing; edges are grey without `colors`, and outputs have their numbers without `labels`."""
    fig, ax = figure(width="double", height_in=4.4)
    graph, places = as_graph(topology), positions(topology)
    if topology.hidden_nodes.size:
        title += " (green: hidden nodes, pink: rails)"
    with style():
        lines = draw_network(ax, graph, places, colors, linewidth=0.8, period_=period(topology))
        _draw_nodes(ax, graph, places)
        for node, label in zip(topology.out_nodes.tolist(), labels or _numbers(topology), strict=True):
            size = min(7, LABEL_PT / len(label))
            ax.annotate(label, places[node], color="white", size=size, ha="center", va="center_baseline", zorder=3)
        _hide_axes(ax)
        if period(topology) is not None:
            ax.set_aspect("equal")
        fig.suptitle(title, fontsize=9)
    if colors is not None:
        color_bar(fig, lines, ax, LABEL)
    return fig


def output_graphs(
    topology: Topology, title: str, colors: EdgeColors | None = None, labels: Sequence[str] | None = None
) -> Figure:
    """A drawing per output with the edges that touch it; see `whole_graph`."""
    graph, places = as_graph(topology), positions(topology)
    nodes = topology.out_nodes.tolist()
    touching = [_uids_at(graph, node) for node in nodes]
    labelled = zip(labels or _numbers(topology), touching, strict=True)
    names = [f"output {label}: {len(uids)} edges" for label, uids in labelled]
    fig, axes, bar_ax = panels(len(nodes), title, names)
    with style():
        for ax, uids in zip(axes, touching, strict=True):
            lines = draw_network(ax, graph, places, colors, linewidth=0.7, uids=uids, period_=period(topology))
            _draw_nodes(ax, graph, places, scale=0.25)
            _hide_axes(ax)
            if period(topology) is not None:  # the same part of the grid in all, wherever the edges lead
                ax.set(xlim=_limits(places, 0), ylim=_limits(places, 1))
    if colors is None:
        bar_ax.remove()
    else:
        color_bar(fig, lines, None, LABEL, bar_ax=bar_ax)
    return fig


def draw_network(
    ax: Axes,
    graph: nx.MultiDiGraph[int],
    places: dict[int, tuple[float, float]],
    colors: EdgeColors | None,
    *,
    linewidth: float,
    uids: set[int] | None = None,
    period_: float | None = None,
) -> LineCollection:
    """Draw the edges (those in `uids`, or all); those farthest from the central colour are on top.

    With a period, an edge to the drawing's other side leaves it there, and comes back on the other one.
    """
    from matplotlib.collections import LineCollection

    x = [place[0] for place in places.values()]
    bend = BEND * (max(x) - min(x))
    paths, order = [], []
    for drain, source, copy, uid in _with_copies(graph):
        if uids is None or uid in uids:
            side = (copy + 1) // 2 * (1 if copy % 2 else -1)  # 0, 1, -1, 2, -2 ...
            paths.append(_path(places[drain], places[source], bend * side, period_))
            order.append(uid)
    if colors is None:
        lines = LineCollection(paths, colors=PLAIN, linewidths=0.6 * linewidth, zorder=1)
    else:
        gate_V = colors.gate_V[order]
        top = np.argsort(np.abs(gate_V - colors.center_V), kind="stable")
        lines = LineCollection(
            [paths[k] for k in top], cmap=COLOR_MAP, norm=colors.norm(), linewidths=linewidth, zorder=1
        )
        lines.set_array(gate_V[top])
    ax.add_collection(lines)
    return lines


def _path(start: Place, end: Place, bend: float, period_: float | None) -> list[Place]:
    """The points of an edge, which NaN interrupts."""
    (x0, y0), (x1, y1) = start, end
    if period_ is not None and max(abs(x1 - x0), abs(y1 - y0)) > period_ / 2:
        dx, dy = (STUB * np.sign(distance) * (abs(distance) > period_ / 2) for distance in (x1 - x0, y1 - y0))
        return [(x0, y0), (x0 - dx, y0 - dy), (np.nan, np.nan), (x1 + dx, y1 + dy), (x1, y1)]
    sag = SAG * abs(x1 - x0) if period_ is None and y0 == y1 else 0.0
    return [(x0, y0), ((x0 + x1) / 2 + bend, (y0 + y1) / 2 - sag), (x1, y1)]


def _with_copies(graph: nx.MultiDiGraph[int]) -> Iterable[tuple[int, int, int, int]]:
    """Drain, source, how many edges of the same ends came before, and uid of every edge."""
    seen: dict[tuple[int, int], int] = {}
    for drain, source, uid in graph.edges(keys=True):
        copy = seen.get((drain, source), 0)
        seen[drain, source] = copy + 1
        yield drain, source, copy, uid


def _draw_nodes(
    ax: Axes,
    graph: nx.MultiDiGraph[int],
    places: dict[int, tuple[float, float]],
    *,
    scale: float = 1.0,
) -> None:
    for kind, marker in NODE_STYLES.items():
        nodes = [node for node, facts in graph.nodes(data=True) if facts["kind"] == kind]
        if kind == "rail":  # only hidden networks have edges at the rails
            nodes = [node for node in nodes if graph.degree(node)]
        if nodes:
            x, y = zip(*(places[node] for node in nodes), strict=True)
            ax.scatter(x, y, **{**marker, "s": marker["s"] * scale}, linewidths=0, zorder=2)


def _limits(places: dict[int, Place], axis: int) -> tuple[float, float]:
    values = [place[axis] for place in places.values()]
    return min(values) - STUB - 0.1, max(values) + STUB + 0.1


def _numbers(topology: Topology) -> list[str]:
    return [str(k) for k in range(topology.n_outputs)]


def _uids_at(graph: nx.MultiDiGraph[int], node: int) -> set[int]:
    edges = [*graph.in_edges(node, keys=True), *graph.out_edges(node, keys=True)]
    return {uid for _, _, uid in edges}


def _hide_axes(ax: Axes) -> None:
    ax.set_axis_off()
    ax.margins(0.03)
    ax.autoscale_view()
