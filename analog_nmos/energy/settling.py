"""How long a network takes to settle after a small step: the linearised circuit with its capacitances, in time.

Internal nodes without capacitance follow at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.energy.in_time import by_contour, modes
from analog_nmos.energy.linearised import Linearised
from common.errors import RunError

FloatArray = NDArray[np.float64]
SHARE = 0.01  # of the final change that may be left
NOTICED = 0.01  # sources whose step has less than this share of the largest effect are left out
SCAN = 0.8  # ratio of times that are looked at
BISECTIONS = 12
LONGEST, SHORTEST = 1e6, 1e-9  # times the slowest time constant that is expected


def settling_times(
    network: Linearised, source: int | None = None, *, clamps: bool = False, everywhere: bool = False
) -> FloatArray:
    """Seconds (N,) after a small step until nodes stay within 1 percent of the final change.

    That is the largest difference of a node from where it goes, over the largest final change of a node.

    Args:
        network: the circuit around N states.
        source: number of the input that steps (of the VOUT, with `clamps`); None for the worst of those that matter,
            which are those with at least a hundredth of the largest effect.
        clamps: the step is one of VOUT, not of an input.
        everywhere: hidden nodes count too, not outputs alone.

    Raises:
        RunError: a network that does not settle within a million times its expected slowest time constant.
    """
    rows = network.n_free if everywhere else network.n_outputs
    chosen = slice(None) if source is None else slice(source, source + 1)
    final = network.transfers(np.zeros((network.n_states, 1)), clamps)[:, 0, :, chosen].real
    size = np.abs(final[:, :rows]).max(axis=1)  # (N, sources)
    size = np.where(size >= NOTICED * size.max(axis=1, keepdims=True), size, np.inf)

    found = modes(network, clamps, final, rows, chosen)

    def left(time_s: FloatArray) -> FloatArray:
        changes = by_contour(network, time_s, clamps, final, rows, chosen) if found is None else found.at(time_s)
        share: FloatArray = (np.abs(changes).max(axis=1) / np.where(size > 0.0, size, np.inf)).max(axis=1)
        return share

    return last_crossing(left, network.slowest_s())


def last_crossing(left: Any, slowest_s: FloatArray) -> FloatArray:
    """Times (N,) after which `left` stays below SHARE: from late times down to the first above it, then halved."""
    late_s = 10.0 * slowest_s
    if not (late_s > 0.0).all():
        return np.zeros_like(late_s)
    while (above := ~(left(late_s) <= SHARE)).any():
        late_s = np.where(above, 4.0 * late_s, late_s)
        if (late_s > LONGEST * slowest_s).any():
            raise RunError("a network does not settle after a small step; check its gates and capacitances")
    early_s = late_s.copy()
    looking = np.ones(early_s.size, bool)
    while looking.any() and (early_s > SHORTEST * slowest_s).any():
        early_s = np.where(looking, SCAN * early_s, early_s)
        looking &= left(early_s) <= SHARE
        late_s = np.where(looking, early_s, late_s)
    low, high = np.log(early_s), np.log(late_s)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        above = left(np.exp(middle)) > SHARE
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found: FloatArray = np.where(looking, 0.0, np.exp(high))
    return found
