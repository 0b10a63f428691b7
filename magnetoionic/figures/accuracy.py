"""Accuracy against learning rate: mean and standard deviation over models, and the same after field relaxation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from common.plotting import figure, style
from magnetoionic.figures.styles import Style, styles
from magnetoionic.figures.table import SETTINGS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WORDS = {"var": "variability", "resistor_noise": "noise", "physical_clipping": "physical clipping"}
MARKERS = ("o", "s", "^", "D", "v")


def draw(table: pd.DataFrame) -> Figure:
    """Two panels for each combination of settings (their title): as trained, and after field relaxation."""
    groups = list(table.groupby(list(SETTINGS), sort=True))
    columns = min(3, len(groups))
    blocks = math.ceil(len(groups) / columns)
    size: Any = {"width": "single" if columns == 1 else "double", "height_in": min(9.0, 4.2 * blocks)}
    fig, axes = figure(nrows=2 * blocks, ncols=columns, sharey="row", sharex="col", squeeze=False, **size)
    varying = [name for name in SETTINGS if table[name].nunique() > 1]
    fields = styles(sorted(table["field"].unique(), reverse=True))  # linear before exponential
    with style():
        for number in range(blocks * columns):
            block, column = divmod(number, columns)
            pair = axes[2 * block, column], axes[2 * block + 1, column]
            if number >= len(groups):
                for ax in pair:
                    ax.set_visible(False)
                continue
            values, part = groups[number]
            labels = dict(zip(SETTINGS, values, strict=True))
            _panels(pair, summary(part), fields)
            pair[0].set_title(", ".join(f"{WORDS.get(name, name)} {_shown(labels[name])}" for name in varying))
            if column == 0:
                pair[0].set_ylabel("test accuracy (%)")
                pair[1].set_ylabel("after relaxation (%)")
        axes[0, 0].legend()
    return fig


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation (of the models there are) by settings, field and learning rate, in percent."""
    by = table.groupby([*SETTINGS, "field", "lr"], sort=True)
    return pd.DataFrame(
        {
            "models": by["accuracy"].size(),
            "accuracy": by["accuracy"].mean(),
            "std": by["accuracy"].std(ddof=0),
            "relaxed": by["swap_accuracy"].mean(),
            "relaxed_std": by["swap_accuracy"].std(ddof=0),
        }
    ).reset_index()


def _panels(pair: tuple[Axes, Axes], means: pd.DataFrame, fields: dict[str, Style]) -> None:
    for number, (field, shown) in enumerate(fields.items()):
        rows = means[means["field"] == field]
        marks: Any = {"color": shown.color, "marker": MARKERS[number % len(MARKERS)], "capsize": 2}
        pair[0].errorbar(rows["lr"], rows["accuracy"], rows["std"], linestyle="-", label=shown.label, **marks)
        if rows["relaxed"].notna().any():
            marks |= {"markerfacecolor": "white", "linestyle": "--", "label": shown.label}
            pair[1].errorbar(rows["lr"], rows["relaxed"], rows["relaxed_std"], **marks)
    pair[1].set_xlabel("learning rate (pulses per gradient)")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
