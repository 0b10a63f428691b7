"""`nonideal table`: what a sweep has found, by axis, and its best runs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.browse import plots
from common.browse.text import aligned
from common.errors import InputError
from common.runs import load_sweep
from common.values import number

if TYPE_CHECKING:
    import pandas as pd

# What to compare where the sweep does not say by what it chooses.
VALUES = ("selected_val_acc", "final_val_acc", "selected_test_acc", "final_test_acc")
INCOMPARABLE = "incomparable"  # a result that says why its run must not be mixed with the others


def show_table(arguments: argparse.Namespace) -> int:
    """Print and plot a sweep; returns the exit code.

    Raises:
        InputError: a column is unknown, or nothing has been measured yet.
    """
    table = load_sweep(arguments.folder)
    if arguments.csv:
        print(table.to_csv(index=False), end="")
        return 0
    for name in table.columns:
        table[name] = _sortable(table[name])
    counts = table["status"].value_counts()
    print(f"{arguments.folder}: {len(table)} runs, " + ", ".join(f"{counts[name]} {name}" for name in counts.index))
    if "damaged" in counts:
        print("\n".join(f"damaged: {reason}" for reason in table["reason"][table["status"] == "damaged"]))
    table = _comparable(table)
    value = _value(table, arguments.value)
    table = table[table[value].abs() < float("inf")]
    axes = _axes(table, arguments.by)
    note = f", on the {table['selected_on'].iloc[0]}" if value.startswith("selected") and "selected_on" in table else ""
    print(f"\n{value}{' (the best epoch' + note + ')' if note else ''} by axis")
    rows = [row for axis in axes for row in _by_axis(table, value, axis)]
    print(aligned(("axis", "value", "runs", "mean", "median", "best"), rows) or "no axis has more than one value")
    _print_best(table, value, axes, arguments.top)
    if not arguments.no_plots:
        _plot(arguments, table, value, axes)
    elif arguments.x or arguments.y:
        raise InputError("--x and --y are for a heat map; leave out --no-plots")
    return 0


def _plot(arguments: argparse.Namespace, table: pd.DataFrame, value: str, axes: list[str]) -> None:
    for name in (arguments.x, arguments.y):
        if name is not None:
            _check_column(table, name)
    if bool(arguments.x) != bool(arguments.y):
        raise InputError("a heat map needs both --x and --y")
    where = (arguments.plot_dir or Path(arguments.folder) / "plots", arguments.plot_format)
    made = [plots.by_axis(table, value, axes, *where)] if axes else []
    if arguments.x:
        pair = (arguments.x, arguments.y)
        made.append(plots.heat_map(table, value, *pair, *where, best=arguments.best))
    elif len(axes) > 1 and len(table[axes[:2]].dropna()):
        pair = (axes[0], axes[1])
        made.append(plots.heat_map(table, value, *pair, *where, best=arguments.best))
    print("\nplots: " + (", ".join(map(str, made)) or "none, as no axis has more than one value"))


def _comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The runs that say nothing against it; the others are named, each with its reason."""
    if INCOMPARABLE not in table:
        return table
    marked = table[INCOMPARABLE].notna()
    for run, reason in table.loc[marked, ["run", INCOMPARABLE]].to_numpy().tolist():
        print(f"left out: {run}: {reason}")
    left: pd.DataFrame = table[~marked]
    left.attrs = table.attrs
    return left


def _value(table: pd.DataFrame, wanted: str | None) -> str:
    """The column to compare."""
    if wanted:
        _check_column(table, wanted)
    offered = (str(table.attrs.get("score", "")), *VALUES)
    names = [wanted] if wanted else [name for name in offered if name in table.columns]
    for name in names:
        if table[name].notna().any() and table[name].dtype.kind in "if":
            return name
    if wanted and table[wanted].notna().any():
        raise InputError(f"--value {wanted}: holds no numbers")
    raise InputError(f"no run has {wanted or 'an accuracy'} yet; `nonideal runs` shows what is running")


def _axes(table: pd.DataFrame, by: str | None) -> list[str]:
    """The columns that differ between runs and are settings."""
    if by:
        names = by.split(",")
        for name in names:
            _check_column(table, name)
        return names
    axes = [name for name in table.attrs["settings"] if name in table and table[name].nunique(dropna=False) > 1]
    # What an axis stands for (vg_init_lo for vg) says nothing new.
    return [
        name
        for place, name in enumerate(axes)
        if not any(table.groupby(other, dropna=False)[name].nunique(dropna=False).max() <= 1 for other in axes[:place])
    ]


def _sortable(column: pd.Series[Any]) -> pd.Series[Any]:
    """Words where there are lists or values of several kinds: pandas takes lists apart, and cannot sort the others.

    Numbers where all words are some, as of an option that takes volts or a percentage.
    """
    kinds = {type(value) for value in column.dropna()}
    if column.dtype == object and (kinds & {tuple, list, dict} or len(kinds) > 1):
        return column.map(str, na_action="ignore")
    return column.astype(float) if kinds == {str} and column.map(_is_number, na_action="ignore").all() else column


def _is_number(word: str) -> bool:
    try:
        number(word)
    except InputError:
        return False
    return True


def _by_axis(table: pd.DataFrame, value: str, axis: str) -> list[list[Any]]:
    """axis, value, runs, mean, median, best of each value of an axis, in its order."""
    rows = []
    for entry, group in table.groupby(axis, dropna=False, sort=True):
        values = group[value]
        name: Any = entry.item() if hasattr(entry, "item") else entry
        text = f"{name:g}" if isinstance(name, float) else str(name)
        rows.append([axis, text, len(values), float(values.mean()), float(values.median()), float(values.max())])
    return rows


def _print_best(table: pd.DataFrame, value: str, axes: list[str], top: int) -> None:
    best = table.sort_values(value, ascending=False, kind="stable").head(top)
    others = [value.replace("selected_", "final_"), "selected_epoch", "final_epoch"]
    names = list(dict.fromkeys([value, *(name for name in others if name in table.columns)]))
    print(f"\nbest {len(best)} runs")
    print(aligned([*names, "run"], best[[*names, "run"]].astype(object).to_numpy().tolist()))


def _check_column(table: pd.DataFrame, name: str) -> None:
    if name not in table.columns:
        known = [column for column in table.columns if column not in ("folder", "reason", "run")]
        raise InputError(f"no column {name!r} in the table; there are {', '.join(known)}")
