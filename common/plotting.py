"""Figures of all suites in one style: sized for a paper, readable in grey and by the colour-blind.

    fig, ax = figure(width="single")
    line_plot(ax, epochs, {"train": train_acc, "test": test_acc}, xlabel="epoch", ylabel="accuracy (%)")
    save(fig, run_dir / "learning_curves_acc", plot_format="pdf")

Figures are made without pyplot: no display, no list of open figures that grows, and threads may draw.
matplotlib is loaded by the first figure, not by importing this module.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from common.errors import InputError, Interrupted
from common.figure_style import COLORS as COLORS
from common.figure_style import PNG_DPI as PNG_DPI
from common.figure_style import SEQUENTIAL
from common.figure_style import style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from numpy.typing import ArrayLike

PLOT_FORMATS = ("png", "pdf", "svg")
WIDTH_IN = {"single": 3.4, "double": 7.0}
# Lengths without a common factor: 7 colours and 4 line styles repeat together only after 28 lines.
_LINE_STYLES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D", "v")
DIVERGING = "RdBu_r"
_NO_VALUE = "#D9D9D9"
# Without dates, so that the same figure gives the same bytes.
_METADATA: dict[str, Any] = {"png": {}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}


def check_plot_format(plot_format: str) -> str:
    """Return `plot_format` if it is one of PLOT_FORMATS, else raise InputError."""
    if plot_format not in PLOT_FORMATS:
        raise InputError(f"plot format is {plot_format!r}, allowed: {', '.join(PLOT_FORMATS)}")
    return plot_format


@contextmanager
def drawn_or_warned(later: str, warn: Callable[[str], None] | None = None) -> Iterator[None]:
    """What fails in this block becomes a warning: the numbers are on disk, and figures can be drawn from them later.

    For the end of a training or a sweep. An interrupt is passed on.

    Args:
        later: the command that draws the figures.
        warn: takes the line, such as `Run.log`; None prints it on stderr.
    """
    try:
        yield
    except Interrupted:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever a library raises, the work is done and must count as done
        reason = " ".join(str(problem).split()) or type(problem).__name__
        line = f"warning: figures could not be drawn ({reason[:160]}); draw them later: {later}"
        if warn is None:
            print(line, file=sys.stderr)
        else:
            warn(line)


def figure(
    *,
    nrows: int = 1,
    ncols: int = 1,
    width: Literal["single", "double"] = "single",
    height_in: float | None = None,
    **subplots: Any,
) -> tuple[Figure, Any]:
    """Return a new figure and its axes, as pyplot.subplots does: one Axes, or an array of them.

    Args:
        nrows, ncols: how many axes.
        width: "single" (3.4 in, one column of a paper) or "double" (7 in, the page).
        height_in: inches; by default panels of 4 to 3, at most a page (9 in).
        subplots: further arguments of Figure.subplots, such as sharex, sharey, squeeze.
    """
    width_in = WIDTH_IN[width]
    if height_in is None:
        height_in = min(9.0, 0.75 * width_in / ncols * nrows)
    with style():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(width_in, height_in))
        return fig, fig.subplots(nrows, ncols, **subplots)


def save(fig: Figure, path: str | os.PathLike[str], plot_format: str = "png") -> Path:
    """Write a figure whole or not at all, and return its path.

    Args:
        fig: the figure.
        path: where to; the ending of the format replaces that of another format, or is added.
        plot_format: one of PLOT_FORMATS. PNG has 200 dots per inch.

    The same figure drawn again gives the same bytes: no date is written. Missing folders are made.

    Raises:
        InputError: another format.
    """
    suffix = f".{check_plot_format(plot_format)}"
    target = Path(path)
    known = target.suffix.lower().removeprefix(".") in PLOT_FORMATS
    # Names such as "run_g0.3" have a dot that is no ending, so with_suffix() alone would cut them.
    target = target.with_suffix(suffix) if known else target.with_name(target.name + suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with style():
            _settle_layout(fig)
            fig.savefig(temporary, format=plot_format, metadata=_METADATA[plot_format])
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)  # there only if something above failed
    return target


def _settle_layout(fig: Figure) -> None:
    """Let the layout of square cells converge: matplotlib's two passes can leave labels cut off."""
    engine = fig.get_layout_engine()
    if engine is not None and any(ax.get_aspect() != "auto" for ax in fig.axes):
        for _ in range(4):
            engine.execute(fig)


def line_plot(
    ax: Axes,
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    xlabel: str,
    ylabel: str,
    intervals: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    as_bars: bool = False,
    ordered: bool = False,
    title: str | None = None,
) -> None:
    """Draw one line per entry of `series` over `x`, distinguished by colour, line style and marker.

    Args:
        ax: where to.
        x: (N,) shared by all lines.
        series: label to (N,) values; NaN leaves a gap. The legend is beside the axes from seven lines on,
            and absent for one.
        xlabel, ylabel: with the unit, such as "accuracy (%)".
        intervals: label to (low, high), (N,) each, in units of y: absolute ends, not distances.
        as_bars: draw the intervals as error bars instead of bands.
        ordered: colour by position along viridis, for series that are steps of one quantity.
        title: above the axes.
    """
    from matplotlib.ticker import MaxNLocator

    xs = np.asarray(x, dtype=float)
    with style():
        for index, (label, values) in enumerate(series.items()):
            drawn = _line_style(index, len(series), ordered)
            y = np.asarray(values, dtype=float)
            ends = intervals.get(label) if intervals else None
            if ends is not None:
                low, high = (np.asarray(end, dtype=float) for end in ends)
                if as_bars:
                    ax.errorbar(xs, y, yerr=(y - low, high - y), fmt="none", ecolor=drawn["color"], capsize=2)
                else:
                    ax.fill_between(xs, low, high, color=drawn["color"], alpha=0.18, linewidth=0)
            # About eight markers a line, each line's shifted, so that lines on top of each other both show.
            step = max(1, len(xs) // 8)
            ax.plot(xs, y, label=label, markevery=((index * step // 3) % step, step), **drawn)
        if (xs == np.round(xs)).all():
            ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))  # no epoch 2.5
        ax.set(xlabel=xlabel, ylabel=ylabel)
        _finish(ax, title, legend_entries=len(series))


def _line_style(index: int, total: int, ordered: bool) -> dict[str, Any]:
    import matplotlib

    if ordered:  # the light end of viridis is hard to see on white
        color: Any = matplotlib.colormaps[SEQUENTIAL](0.88 * index / max(1, total - 1))
    else:
        color = COLORS[index % len(COLORS)]
    return {
        "color": color,
        "linestyle": _LINE_STYLES[index % len(_LINE_STYLES)],
        "marker": _MARKERS[index % len(_MARKERS)],
    }


def _finish(ax: Axes, title: str | None, legend_entries: int) -> None:
    if title is not None:
        ax.set_title(title)
    if legend_entries > 6:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    elif legend_entries > 1:
        ax.legend(loc="best")


def heatmap(
    ax: Axes,
    matrix: ArrayLike,
    label: str,
    *,
    center: float | None = None,
    limits: tuple[float, float] | None = None,
    log: bool = False,
    cmap: str | None = None,
    colorbar: bool = True,
    annotate: str | None = None,
    xlabels: Sequence[str] | None = None,
    ylabels: Sequence[str] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str | None = None,
) -> AxesImage:
    """Draw a matrix as coloured cells, row 0 on top; what is not finite is grey. Returns the image.

    Args:
        ax: where to.
        matrix: (rows, columns).
        label: of the colour bar: the quantity with its unit, such as "gate voltage (V)".
        center: colours diverge from this value (red above, blue below); else viridis from low to high.
        limits: values of both ends of the colours; give the same to panels that are compared.
        log: logarithmic colours; values of 0 or less are grey.
        cmap: another colour map.
        colorbar: draw one; for several panels leave it out and draw one for all with the returned image.
        annotate: write each value into its cell in this format, such as ".2f" or "d".
        xlabels, ylabels: names of the columns and rows; xlabel, ylabel: of the axes.
        title: above the axes.
    """
    from matplotlib import colormaps

    values = np.asarray(matrix, dtype=float)
    shown = np.ma.masked_where(~np.isfinite(values) | ((values <= 0) & log), values)
    colors = colormaps[cmap or (SEQUENTIAL if center is None else DIVERGING)].with_extremes(bad=_NO_VALUE)
    with style():
        image = ax.imshow(shown, cmap=colors, norm=_norm(shown, center, limits, log), aspect="equal")
        ax.grid(False)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        for axis, names, size in ((ax.xaxis, xlabels, values.shape[1]), (ax.yaxis, ylabels, values.shape[0])):
            if names is not None:
                axis.set_ticks(range(size), labels=list(names))
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if title is not None:
            ax.set_title(title)
        if annotate is not None:
            _annotate(ax, image, shown, annotate)
        if colorbar:
            _colorbar(ax, image, label, thickness=0.05 * min(1.0, values.shape[0] / values.shape[1]))
    return image


def _colorbar(ax: Axes, image: AxesImage, label: str, thickness: float) -> None:
    # An inset is as high as the cells; a colour bar beside square cells is as high as the room they leave.
    bar: Any = ax.figure.colorbar(image, cax=ax.inset_axes((1.0 + thickness, 0, thickness, 1)), label=label)
    bar.outline.set_visible(False)


def _norm(shown: Any, center: float | None, limits: tuple[float, float] | None, log: bool) -> Any:
    from matplotlib import colors

    empty = shown.count() == 0
    low, high = limits or ((1.0, 1.0) if empty else (float(shown.min()), float(shown.max())))
    if log:
        return colors.LogNorm(low, max(high, low * 10.0))
    if center is not None:  # equal distances on both sides get equally strong colours
        reach = max(high - center, center - low) or 1.0
        return colors.Normalize(center - reach, center + reach)
    return colors.Normalize(low, high if high > low else low + 1.0)


def _annotate(ax: Axes, image: AxesImage, shown: Any, annotate: str) -> None:

    texts = {}
    for row, column in zip(*np.nonzero(~np.ma.getmaskarray(shown)), strict=True):
        value = float(shown[row, column])
        texts[row, column] = format(int(value) if annotate.endswith("d") else value, annotate)
    size = 6 if max(map(len, texts.values()), default=0) < 4 or shown.shape[1] < 8 else 5
    for (row, column), text in texts.items():
        red, green, blue, _ = image.cmap(image.norm(shown[row, column]))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(column, row, text, ha="center", va="center", size=size, color="white" if dark else "black")


def confusion(
    ax: Axes,
    counts: ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    errors_only: bool = False,
    log: bool = False,
    colorbar: bool = True,
    title: str | None = None,
) -> AxesImage:
    """Draw a confusion matrix with its counts written in; returns the image.

    Args:
        ax: where to; ten classes need the single width or more.
        counts: (K, K) integers, true class down, predicted class across.
        labels: names of the classes; by default their numbers.
        errors_only: grey out the diagonal, so that the colours show the errors.
        log: logarithmic colours; zeros are grey and have no number.
        colorbar: draw one.
        title: above the axes.

    Raises:
        ValueError: counts are not a square of non-negative numbers.
    """

    matrix = np.array(counts, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not (matrix >= 0).all():
        raise ValueError(f"confusion counts of shape {matrix.shape}: not a square of non-negative numbers")
    if errors_only:
        np.fill_diagonal(matrix, np.nan)
    names = [str(k) for k in range(len(matrix))] if labels is None else labels
    return heatmap(
        ax, matrix, "test samples", log=log, cmap="Blues", colorbar=colorbar, annotate="d",
        xlabels=names, ylabels=names, xlabel="predicted class", ylabel="true class", title=title,
    )  # fmt: skip
