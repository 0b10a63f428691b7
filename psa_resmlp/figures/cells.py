"""The coloured cells of a heat map over the design space, with values, colour bar or legend."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_resmlp.figures.scales import Scale
from psa_resmlp.figures.space import Points, area, border, cells, place
from psa_resmlp.study.architectures import Architecture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NO_VALUE = "#E4E4E4"
_TEXT_FROM = 0.5  # square octaves: smaller cells have no room for a value
_HATCH = "/////"


def draw_cells(
    ax: Axes,
    architectures: Sequence[Architecture],
    values: Mapping[Architecture, Any],
    scale: Scale | None,
    text: Mapping[Architecture, str],
    hatched: Collection[Architecture] = (),
) -> None:
    """Colour the cells; those without a value are grey.

    Args:
        ax: axes of the design space.
        architectures: one per cell.
        values: numbers for `scale`, or colours where it is None.
        scale: colours of numbers; draws a colour bar.
        text: written into cells that are large enough.
        hatched: cells with stripes.
    """
    from matplotlib import colormaps
    from matplotlib.collections import PolyCollection

    polygons = dict(zip(architectures, cells(np.array([place(one) for one in architectures])), strict=True))
    cmap = colormaps[scale.cmap] if scale else None
    colors: dict[Architecture, Any] = {}
    for one in architectures:
        value = values.get(one)
        shade = value if cmap is None or scale is None or value is None else cmap(float(scale.norm(value)))
        colors[one] = NO_VALUE if shade is None else shade
    edge = "#B8B8B8" if scale and scale.pale else "white"
    faces = [colors[one] for one in architectures]
    ax.add_collection(
        PolyCollection([polygons[one] for one in architectures], facecolors=faces, edgecolors=edge, linewidths=0.5)
    )
    stripes = [one for one in architectures if one in set(hatched)]
    if stripes:
        style: dict[str, Any] = {"facecolors": "none", "edgecolors": "#8A8A8A", "linewidths": 0.0, "hatch": _HATCH}
        ax.add_collection(PolyCollection([polygons[one] for one in stripes], **style))
    for one, words in text.items():
        if area(polygons[one]) >= _TEXT_FROM:
            x, y = polygons[one].mean(axis=0)
            box = {"facecolor": colors[one], "edgecolor": "none", "pad": 0.8} if one in stripes else None
            ink = _ink(colors[one])
            ax.text(x, y, words, ha="center", va="center", size=5.5, color=ink, linespacing=0.9, bbox=box)
    _outline(ax, polygons)
    if scale:
        _colorbar(ax, scale)


def _outline(ax: Axes, polygons: Mapping[Architecture, Points]) -> None:
    """A line around the cells of the asymmetric designs, with a note on it; nothing unless there are both kinds."""
    asymmetric = [polygon for one, polygon in polygons.items() if one.asymmetric]
    if not 0 < len(asymmetric) < len(polygons):
        return
    lines = border(asymmetric)
    for color, width in (("white", 2.6), ("black", 1.2)):
        for line in lines:
            ax.plot(*line.T, color=color, linewidth=width, solid_capstyle="round", zorder=3)
    # Below the axes, where no cell can be.
    ax.text(0.0, -0.1, "outlined: asymmetric designs", transform=ax.transAxes, va="top", size=7, clip_on=False)


def _ink(color: Any) -> str:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(color)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"


def _colorbar(ax: Axes, scale: Scale) -> None:
    from matplotlib.cm import ScalarMappable

    mappable = ScalarMappable(scale.norm, scale.cmap)
    bar: Any = ax.figure.colorbar(mappable, cax=ax.inset_axes((1.02, 0.0, 0.03, 1.0)), label=scale.label)
    bar.set_ticks(list(scale.ticks), labels=list(scale.names), minor=False)
    bar.minorticks_off()
    bar.outline.set_visible(False)


def draw_legend(ax: Axes, entries: Mapping[str, str | None], *, hatched: bool = False) -> None:
    """A legend of coloured patches, in the empty upper right of the design space."""
    from matplotlib.patches import Patch

    patches = [
        Patch(facecolor=color or "white", edgecolor="#7A7A7A", linewidth=0.4, hatch=_HATCH * hatched, label=label)
        for label, color in entries.items()
    ]
    ax.legend(handles=patches, loc="upper right", handlelength=1.6, handleheight=1.2, labelspacing=0.7)
