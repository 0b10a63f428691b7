"""Every architecture as a labelled point: depth against width (ResMLP_Testing_Design_Space.png)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from common.plotting import COLORS, style
from psa_resmlp.figures.space import draw_axes, place
from psa_resmlp.study.architectures import FAMILY_TITLES, Architecture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIDE_IN = 9.0
_LABEL = 6.0
_SHALLOW = 4  # designs up to this depth form rows, those up to this width columns
_BORDER = 0.45  # octaves above the diagonal: between 2*2 and 4*2, the nearest pair of both kinds
_APART = 0.15  # octaves between two labels, a little more than a line of text
_OUT = 0.8  # octaves from crowded points to their labels
_LEFT_FROM = 17  # labels left of the crowd begin at this width; further down they would meet those of the columns


def design_space(architectures: Sequence[Architecture], family: str) -> Figure:
    """The figure; matched designs are circles and asymmetric ones triangles."""
    with style():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(_SIDE_IN, _SIDE_IN))
        ax = fig.subplots()
        draw_axes(ax, architectures, family, margin=0.8)
        _border(ax, architectures)
        for kind, marker, color, asymmetric in (
            ("matched in parameters", "o", COLORS[0], False),
            ("asymmetric", "^", COLORS[1], True),
        ):
            places = [place(one) for one in architectures if one.asymmetric is asymmetric]
            if places:
                marks: dict[str, Any] = {
                    "color": color,
                    "markeredgecolor": "white",
                    "markeredgewidth": 0.4,
                    "markersize": 5,
                }
                ax.plot(*zip(*places, strict=True), marker, label=f"{kind} ({len(places)})", zorder=4, **marks)
        _label(ax, architectures)
        ax.set_title(f"{FAMILY_TITLES[family]}: {len(architectures)} architectures, depth × width", size=11)
        ax.legend(loc="upper right", fontsize=9)
    return fig


def _border(ax: Axes, architectures: Sequence[Architecture]) -> None:
    """A dashed line around the asymmetric designs and their labels; nothing unless there are both kinds."""
    asymmetric = [place(one) for one in architectures if one.asymmetric]
    if not 0 < len(asymmetric) < len(architectures):
        return
    left, right = min(x for x, _ in asymmetric) - 0.5, max(x for x, _ in asymmetric) + 0.75
    top = max(y for _, y in asymmetric) + 0.5
    corners = [(left, left + _BORDER), (right, right + _BORDER), (right, top), (left, top), (left, left + _BORDER)]
    ax.plot(*zip(*corners, strict=True), linestyle=(0, (4, 2)), linewidth=0.9, color="#444444")
    ax.text(right + 0.15, top, "asymmetric designs", va="top", size=9, color="#444444")


def _label(ax: Axes, architectures: Sequence[Architecture]) -> None:
    crowded = crowd(architectures)
    for one in architectures:
        (x, y), text = place(one), _text(one)
        if one in crowded:
            continue
        if one.depth <= _SHALLOW and one.width > one.depth:
            ax.annotate(text, (x, y), (0, 5), textcoords="offset points", ha="center", va="bottom", size=_LABEL)
        else:
            ax.annotate(text, (x, y), (5, 0), textcoords="offset points", ha="left", va="center", size=_LABEL)
    # Left and right by turns, so that neighbours do not meet.
    left = [one for one in crowded[0::2] if one.width > _LEFT_FROM]
    _fan(ax, [one for one in crowded if one not in left], side=1)
    _fan(ax, left, side=-1)


def crowd(architectures: Sequence[Architecture]) -> list[Architecture]:
    """Those whose label would meet another one's to the right of its point, from the lower left to the upper right."""
    deep = sorted((one for one in architectures if one.depth > _SHALLOW < one.width), key=lambda one: sum(place(one)))
    meets = [
        abs(place(one)[1] - place(other)[1]) < _APART and abs(place(one)[0] - place(other)[0]) < 2 * _OUT
        for one, other in itertools.pairwise(deep)
    ]
    return [one for one, before, after in zip(deep, [False, *meets], [*meets, False], strict=True) if before or after]


def _fan(ax: Axes, architectures: Sequence[Architecture], side: int) -> None:
    """Labels on a line beside the diagonal, each with a thin line to its point; lines never cross."""
    wanted = [sum(place(one)) / 2 for one in architectures]
    for one, along in zip(architectures, spread(wanted, _APART), strict=True):
        ax.annotate(
            _text(one), place(one), (along + side * _OUT, along - side * _OUT * 0.4),
            ha="left" if side > 0 else "right", va="center", size=_LABEL,
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip


def spread(wanted: Sequence[float], apart: float) -> list[float]:
    """Rising places at least `apart` from each other, as near as can be (least squares) to rising `wanted` ones.

    Pools neighbours that are too near around the middle of what they want (pool adjacent violators).
    """
    groups: list[tuple[float, int]] = []  # (mean of wanted less what the places before it take, members)
    for index, value in enumerate(wanted):
        mean, count = value - index * apart, 1
        while groups and groups[-1][0] >= mean:
            before, size = groups.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        groups.append((mean, count))
    flat = [mean for mean, count in groups for _ in range(count)]
    return [value + index * apart for index, value in enumerate(flat)]


def _text(architecture: Architecture) -> str:
    return architecture.name.replace("*", "×")
