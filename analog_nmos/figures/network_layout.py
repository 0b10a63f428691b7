"""Positions of a network's nodes in a drawing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.matrices import image_side
from analog_nmos.topology import Topology

STEP = 1.5  # between pixels of a row
TILT = (0.57, 0.5)  # how far each row lies to the right of and above the one below it
LEVELS = {"hidden": 3.0, "input": 6.0}  # heights above the outputs
HIDDEN_A_ROW, LARGEST_RING = 20, 24
Places = dict[int, tuple[float, float]]


def positions(topology: Topology) -> Places:
    """Position of every node (node number to x, y).

    A torus is a grid, and the layers of a layered network lie below each other. In others the inputs are a tilted sheet
    of pixels above a row of outputs, or a row if they form no square; hidden nodes lie between inputs and outputs, in a
    ring or, if they are many, in rows. Rails that are not nodes of the grid lie to the left.
    """
    find = {"torus": _grid, "layered": _layers}.get(topology.meta.get("kind", ""), _sheet_and_rows)
    return {int(node): (float(x), float(y)) for node, (x, y) in find(topology).items()}


def period(topology: Topology) -> float | None:
    """The width of a drawing that goes on at its other side, as a torus does; None where there are sides."""
    return float(topology.meta["side"]) if topology.meta.get("kind") == "torus" else None


def _grid(topology: Topology) -> Places:
    side = int(topology.meta["side"])
    return {node: ((node - 1) % side, -((node - 1) // side)) for node in range(1, side * side + 1)}


def _layers(topology: Topology) -> Places:
    sizes = topology.meta["layers"]
    hidden = np.split(topology.hidden_nodes, np.cumsum(sizes[1:-2]))
    rows = [topology.out_nodes, *hidden[::-1], topology.input_nodes]
    width = float(max(row.size for row in rows))
    places: Places = {}
    for level, row in enumerate(rows):
        places |= _row(row, float(row.size - 1), level * max(1.0, width / 4))
    height = (len(rows) - 1) * max(1.0, width / 4)
    return places | _rails(topology, width, height)


def _sheet_and_rows(topology: Topology) -> Places:
    inputs = _sheet(topology.n_inputs)
    width = float(np.ptp(inputs[:, 0])) or 1.0
    inputs += (0, LEVELS["input"])
    places = dict(zip(topology.input_nodes.tolist(), inputs.tolist(), strict=True))
    places |= _row(topology.out_nodes, width, 0.0)
    places |= (_ring if topology.hidden_nodes.size <= LARGEST_RING else _rows)(topology.hidden_nodes, width)
    return places | _rails(topology, width, LEVELS["input"])


def _ring(nodes: NDArray[np.int64], width: float) -> Places:
    """Few nodes, which may be joined with each other: no three of them lie on a line."""
    turns = 2 * np.pi * (np.arange(nodes.size) + 0.5) / max(nodes.size, 1)
    x, y = 0.4 * width * np.sin(turns), LEVELS["hidden"] + 1.3 * np.cos(turns)
    return dict(zip(nodes.tolist(), zip(x, y, strict=True), strict=True))


def _rows(nodes: NDArray[np.int64], width: float) -> Places:
    """Rows below each other, half a place apart, so that no edge runs along a row of nodes."""
    places: Places = {}
    for number, start in enumerate(range(0, nodes.size, HIDDEN_A_ROW)):
        row = nodes[start : start + HIDDEN_A_ROW]
        places |= _row(row, width * (0.9 - 0.1 * (number % 2)), LEVELS["hidden"] - 0.5 * number)
    return places


def _rails(topology: Topology, width: float, height: float) -> Places:
    return {topology.negref: (-0.65 * width, height / 4), topology.posref: (-0.65 * width, height * 3 / 4)}


def _sheet(n_inputs: int) -> NDArray[np.float64]:
    """Places (inputs, 2) of the inputs around x = 0, the last row of pixels at y = 0."""
    side = image_side(n_inputs)
    if side is None:
        return np.stack([np.arange(n_inputs) - (n_inputs - 1) / 2, np.zeros(n_inputs)], axis=1)
    row, column = np.divmod(np.arange(n_inputs), side)
    up = side - 1.0 - row
    x = STEP * column + TILT[0] * up
    return np.stack([x - x.mean(), TILT[1] * up], axis=1)


def _row(nodes: NDArray[np.int64], width: float, height: float) -> Places:
    x = np.linspace(-width / 2, width / 2, nodes.size) if nodes.size > 1 else np.zeros(nodes.size)
    return {int(node): (float(place), height) for node, place in zip(nodes, x, strict=True)}
