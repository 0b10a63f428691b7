"""A sheet of images, one panel per output, in shared colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.matrices import image_side
from common.plotting import WIDTH_IN, figure, heatmap, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 5
# Inches of a sheet: its title, each panel's title, the gap between panels, and the room of the colour bar.
TITLE, PANEL_TITLE, GAP, BAR_ROOM = 0.3, 0.22, 0.1, 0.85
PANEL_MAX = 2.0


def output_sheet(
    matrix: NDArray[np.float64],
    label: str,
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    title: str,
    names: Sequence[str] | None = None,
    levels: int = 0,
) -> Figure:
    """One image of the inputs per output; inputs that form no square are one row per output instead.

    Args:
        matrix: (outputs, inputs); NaN is grey.
        label: of the colour bar, with its unit.
        limits: values of both ends of the colours.
        title: above the sheet.
        names: of the outputs; by default "output k".
        levels: for counts 1 to `levels`: one blue each, instead of `limits`; no colour bar if it is 1.
    """
    side = image_side(matrix.shape[1])
    names = names or [f"output {k}" for k in range(len(matrix))]
    options: Any = {"limits": limits, "colorbar": False}
    if levels:
        options |= {"limits": (0.5, levels + 0.5), "cmap": "Blues"}
    if side is None:
        fig, ax = figure(width="double", height_in=min(9.0, 1.0 + 0.25 * len(matrix)))
        images, bar_ax = [heatmap(ax, matrix, label, ylabels=names, xlabel="input", **options)], None
        ax.set_aspect("auto")
        with style():
            fig.suptitle(title, fontsize=9)
    else:
        fig, axes, bar_ax = panels(len(matrix), title, names)
        pairs = zip(axes, matrix.reshape(-1, side, side), strict=True)
        images = [heatmap(ax, values, label, **options) for ax, values in pairs]
        for ax in axes:
            ax.set(xticks=[], yticks=[])  # the grid of pixels needs no ticks
    if levels:
        _count_in_steps(images, levels)
    if levels == 1:  # present or absent: no scale
        if bar_ax is not None:
            bar_ax.remove()
    else:
        ticks = range(1, levels + 1, -(-levels // 10)) if levels else None
        color_bar(fig, images[0], fig.axes[0], label, ticks, bar_ax)
    return fig


def _count_in_steps(images: Sequence[Any], levels: int) -> None:
    """Blues in even steps, the lightest distinct from white and from the grey of missing ones."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    blues = colormaps["Blues"](np.linspace(0.45, 0.9, levels) if levels > 1 else [0.75])
    for image in images:
        image.set_cmap(ListedColormap(list(blues)).with_extremes(bad=image.cmap.get_bad()))


def panels(count: int, title: str, names: Sequence[str]) -> tuple[Figure, list[Any], Any]:
    """A figure of the page's width with `count` square panels, at most five a row, and an empty axes for a colour bar.

    All positions are fixed: matplotlib's automatic layout takes a second for eleven axes, and a run of a
    hundred epochs has hundreds of sheets.
    """
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    width = WIDTH_IN["double"]
    side = min(PANEL_MAX, (width - BAR_ROOM - GAP * columns) / columns)
    height = TITLE + rows * (PANEL_TITLE + side + GAP)
    fig, axes = figure(nrows=rows, ncols=columns, width="double", height_in=height, squeeze=False)
    fig.set_layout_engine("none")
    places = list(axes.flat)
    for ax in places[count:]:
        ax.remove()
    with style():
        middle = (columns * (side + GAP) + GAP) / 2 / width
        fig.suptitle(title, fontsize=9, x=middle, y=1 - 0.06 / height, va="top")
        for k, (ax, name) in enumerate(zip(places, names, strict=False)):
            row, column = divmod(k, columns)
            bottom = height - TITLE - (row + 1) * (PANEL_TITLE + side) - row * GAP
            left = GAP + column * (side + GAP)
            ax.set_position((left / width, bottom / height, side / width, side / height))
            ax.set_title(name, fontsize=8, pad=3)
        right = (columns * (side + GAP) + 2 * GAP) / width
        bar_ax = fig.add_axes((right, 0.1, 0.1 / width, 0.75))
    return fig, places[:count], bar_ax


def color_bar(fig: Figure, image: Any, axes: Any, label: str, ticks: Any = None, bar_ax: Any = None) -> None:
    """A colour bar in `bar_ax`, or beside `axes`."""
    with style():
        room: Any = {} if bar_ax is not None else {"aspect": 30, "fraction": 0.05}
        bar: Any = fig.colorbar(
            image, cax=bar_ax, ax=None if bar_ax is not None else axes, label=label, ticks=ticks, **room
        )
        bar.outline.set_visible(False)
        bar.ax.grid(False)
