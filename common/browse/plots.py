"""The plots of a sweep: a column of its table along each axis, and over two axes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.plotting import COLORS, figure, heatmap, save, style

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = 3
LABELS = {
    "selected_val_acc": "accuracy (best epoch)",
    "final_val_acc": "accuracy (last epoch)",
    "final_test_acc": "test accuracy (last epoch)",
    "selected_test_acc": "test accuracy (selected epoch)",
}


def by_axis(table: pd.DataFrame, value: str, axes: list[str], folder: Path, plot_format: str) -> Path:
    """A panel per axis: a box over the runs of each value, and the best of them; returns the file."""
    columns = min(COLUMNS, len(axes))
    rows = -(-len(axes) // columns)
    fig, panels = figure(nrows=rows, ncols=columns, width="double", height_in=2.2 * rows, squeeze=False, sharey=True)
    with style():
        for place, panel in enumerate(panels.flat):
            if place >= len(axes):
                panel.set_axis_off()
                continue
            _boxes(panel, table, value, axes[place])
            if place == 0:
                panel.legend(loc="best")
            panel.set_ylabel(label(value) if place % columns == 0 else "")
    return save(fig, folder / _file(f"{value}_by_axis"), plot_format)


def heat_map(
    table: pd.DataFrame, value: str, x: str, y: str, folder: Path, plot_format: str, *, best: bool = False
) -> Path:
    """Mean, or best, of the runs in each cell over two axes; returns the file.

    Raises:
        InputError: no run has a value on both axes.
    """
    cells = table.pivot_table(index=y, columns=x, values=value, aggfunc="max" if best else "mean")
    if not cells.size:
        raise InputError(f"no run has both {x} and {y}, so there is nothing for a heat map to show")
    rows, columns = cells.shape
    wide = columns > 4
    fig, ax = figure(
        width="double" if wide else "single", height_in=min(9.0, 1.0 + (5.5 if wide else 2.2) / columns * rows)
    )
    heatmap(
        ax,
        cells.to_numpy(),
        f"{'best' if best else 'mean'} {label(value)}",
        annotate=".3f",
        xlabels=[_name(entry) for entry in cells.columns],
        ylabels=[_name(entry) for entry in cells.index],
        xlabel=label(x),
        ylabel=label(y),
    )
    return save(fig, folder / _file(f"{value}_{y}_over_{x}"), plot_format)


def label(value: str) -> str:
    """A column's name on a plot."""
    return LABELS.get(value, _plain(value.replace("_", " ")))


def _boxes(panel: Any, table: pd.DataFrame, value: str, axis: str) -> None:
    groups = [(_name(entry), group[value].to_numpy()) for entry, group in table.groupby(axis, dropna=False)]
    places = range(1, len(groups) + 1)
    blue = {"color": COLORS[0]}
    panel.boxplot(
        [values for _, values in groups], positions=list(places), widths=0.6, showfliers=False, boxprops=blue,
        whiskerprops=blue, capprops=blue, medianprops={"color": COLORS[1]},
    )  # fmt: skip
    panel.plot(places, [values.max() for _, values in groups], "^", color=COLORS[2], label="best")
    panel.plot([], [], color=COLORS[1], label="median")
    long = sum(len(name) for name, _ in groups) > 24
    names = [name for name, _ in groups]
    panel.set_xticks(list(places), labels=names, rotation=45 if long else 0, ha="right" if long else "center")
    panel.set_xlabel(label(axis))


def _name(entry: Any) -> str:
    return f"{entry:g}" if isinstance(entry, float) else _plain(str(entry))


def _plain(text: str) -> str:
    """Text in which a dollar begins no formula."""
    return text.replace("$", r"\$")


def _file(text: str) -> str:
    """A name for a file, whatever a column is called."""
    return text.replace("/", "-")
