"""Positions of a network's nodes in a drawing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.matrices import image_side
from analog_nmos.topology import Topology

STEP = 1.5  # between pixels of a row
TILT = (0.57, 0.5)  # how far each row lies to the right of and above the one below it
LEVELS = {"hidden": 3.0, "input": 6.0}  # heights above the outputs
HIDDEN_A_ROW = 20


def positions(topology: Topology) -> dict[int, tuple[float, float]]:
    """Position of every node (node number to x, y): inputs as a tilted sheet of pixels above a row of outputs.

    Inputs that form no square are in one row; hidden nodes lie between inputs and outputs, rails to the left of them.
    """
    inputs = _sheet(topology.n_inputs)
    width = float(np.ptp(inputs[:, 0])) or 1.0
    inputs += (0, LEVELS["input"])
    places = dict(zip(topology.input_nodes.tolist(), inputs.tolist(), strict=True))
    places |= _row(topology.out_nodes, width, 0.0)
    hidden = topology.hidden_nodes
    rows = [hidden[start : start + HIDDEN_A_ROW] for start in range(0, hidden.size, HIDDEN_A_ROW)]
    for number, nodes in enumerate(rows):
        # Rows below each other, half a place apart, so that no edge runs along a row of nodes.
        places |= _row(nodes, width * (0.9 - 0.1 * (number % 2)), LEVELS["hidden"] - 0.5 * number)
    for height, rail in ((1.5, topology.negref), (4.5, topology.posref)):
        places[rail] = (-0.65 * width, height)
    return {int(node): (float(x), float(y)) for node, (x, y) in places.items()}


def _sheet(n_inputs: int) -> NDArray[np.float64]:
    """Places (inputs, 2) of the inputs around x = 0, the last row of pixels at y = 0."""
    side = image_side(n_inputs)
    if side is None:
        return np.stack([np.arange(n_inputs) - (n_inputs - 1) / 2, np.zeros(n_inputs)], axis=1)
    row, column = np.divmod(np.arange(n_inputs), side)
    up = side - 1.0 - row
    x = STEP * column + TILT[0] * up
    return np.stack([x - x.mean(), TILT[1] * up], axis=1)


def _row(nodes: NDArray[np.int64], width: float, height: float) -> dict[int, tuple[float, float]]:
    x = np.linspace(-width / 2, width / 2, nodes.size) if nodes.size > 1 else np.zeros(nodes.size)
    return {int(node): (float(place), height) for node, place in zip(nodes, x, strict=True)}
