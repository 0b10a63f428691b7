"""Depth against width, both in octaves: axes, the cell of every architecture, and where the asymmetric ones lie."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from psa_resmlp.study.architectures import Architecture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = NDArray[np.float64]
REACH = 0.5  # octaves: a cell ends here even where no other architecture is near


def place(architecture: Architecture) -> tuple[float, float]:
    """(x, y): the binary logarithms of width and depth."""
    return math.log2(architecture.width), math.log2(architecture.depth)


def cells(points: Points) -> list[Points]:
    """A polygon around each of (N, 2) different points: a square that reaches REACH to all sides.

    Where squares overlap, each keeps what is nearer to its own point, so crowded points have thin slices.
    """
    return [_cell(point, np.delete(points, index, axis=0)) for index, point in enumerate(points)]


def _cell(point: Points, others: Points) -> Points:
    polygon = point + REACH * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    for other in others:
        normal = other - point
        if np.abs(normal).max() < 2 * REACH:
            polygon = _clip(polygon, normal, normal @ (point + other) / 2)
    return polygon


def _clip(polygon: Points, normal: Points, limit: float) -> Points:
    """The part of a convex polygon where normal @ x <= limit (Sutherland and Hodgman)."""
    heights = polygon @ normal - limit
    corners = []
    for here, there, low, high in zip(
        polygon, np.roll(polygon, -1, axis=0), heights, np.roll(heights, -1), strict=True
    ):
        if low <= 0:
            corners.append(here)
        if (low < 0 < high) or (high < 0 < low):
            corners.append(here + (there - here) * low / (low - high))
    return np.array(corners)


def area(polygon: Points) -> float:
    """Area of a polygon, square octaves (the shoelace formula)."""
    x, y = polygon.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def border(polygons: Sequence[Points], step: float = 0.02) -> list[Points]:
    """Lines (M, 2) around convex polygons that touch: their edges without what two of them share."""
    lines = []
    for polygon in polygons:
        middle = polygon.mean(axis=0)
        others = [other for other in polygons if other is not polygon and _near(other.mean(axis=0), middle)]
        for here, there in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            count = max(1, round(float(np.hypot(*(there - here))) / step))
            ends = here + (there - here) * np.linspace(0.0, 1.0, count + 1)[:, None]
            run: list[Points] = []
            for start, end in itertools.pairwise(ends):
                probe = (start + end) / 2
                outside = probe + 0.005 * (probe - middle) / np.hypot(*(probe - middle))
                if any(_inside(outside, other) for other in others):
                    lines += [np.array(run)] * bool(run)
                    run = []
                else:
                    run = [*(run or [start]), end]
            lines += [np.array(run)] * bool(run)
    return lines


def _near(middle: Points, other: Points) -> bool:
    return bool(np.abs(middle - other).max() < 2.1 * REACH)


def _inside(point: Points, polygon: Points) -> bool:
    edges, to_point = np.roll(polygon, -1, axis=0) - polygon, point - polygon
    return bool((edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0] >= 0).all())


def draw_axes(ax: Axes, architectures: Sequence[Architecture], family: str, margin: float = 0.75) -> None:
    """Ticks at powers of two, and limits around all architectures with `margin` octaves."""
    places = np.array([place(one) for one in architectures])
    low, high = places.min(axis=0), places.max(axis=0)
    for axis, start, end in ((ax.xaxis, low[0], high[0]), (ax.yaxis, low[1], high[1])):
        ticks = range(math.floor(start), math.ceil(end) + 1)
        axis.set_ticks(list(ticks), labels=[f"{2**tick:g}" if tick >= 0 else "" for tick in ticks])
    layers = "residual blocks" if family == "resmlp" else "hidden layers"
    ax.set(
        xlim=(low[0] - margin, high[0] + margin),
        ylim=(low[1] - margin, high[1] + margin),
        xlabel="width (neurons per layer, log scale)",
        ylabel=f"depth ({layers}, log scale)",
        aspect="equal",
    )
