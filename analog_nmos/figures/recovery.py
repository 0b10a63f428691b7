"""A run that was damaged: accuracy and loss over epochs, with the damage and the validation right after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.run_files import LeftOut, OtherKind, RunFiles
from common import inputs
from common.errors import InputError
from common.plotting import COLORS, figure, line_plot, save, style
from common.runs.folder import META
from common.runs.read import read_meta

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE = "0_damage.json"
ACCURACY = "val_acc"
DECADE = 10.0
MARK = COLORS[1]


def recovery(run: RunFiles, out: Path, plot_format: str = "png") -> list[Path]:
    """recovery: validation accuracy and loss over epochs, dropping where transistors broke.

    Raises:
        LeftOut: the run was not damaged, or a file is missing or damaged.
    """
    strikes = _strikes(run)
    names = sorted(strikes[0]["after"], key=lambda name: name != ACCURACY)
    fig, axes = figure(ncols=len(names), width="double" if len(names) > 1 else "single", squeeze=False)
    for ax, name in zip(axes.flat, names, strict=True):
        values = run.array(f"0_{name}.npy")
        _draw(ax, name, values, strikes, _label(run, name))
        if name != ACCURACY and not run.readout.is_highest:
            _log_scale_if_long(ax, values)
    with style():
        fig.suptitle("; ".join(map(_what, strikes)), fontsize=8)
    return [save(fig, out / "recovery", plot_format)]


def _strikes(run: RunFiles) -> list[dict[str, Any]]:
    """Those in 0_damage.json; see `analog_nmos.training.damage.Strike`."""
    if not (run.folder / FILE).is_file():
        raise OtherKind(f"nothing broke while it trained ({FILE} is missing)")
    try:
        found = inputs.read_json(run.folder / FILE, "damage").get("strikes")
    except InputError as problem:
        raise LeftOut(str(problem)) from None
    needed = {"epoch", "transistors", "edges", "before", "after"}
    whole = isinstance(found, list) and all(isinstance(one, dict) and needed <= set(one) for one in found)
    if not found or not whole:
        raise LeftOut(f"{FILE} does not say what broke when")
    return list(found)


def _draw(ax: Axes, name: str, values: NDArray[np.float64], strikes: Sequence[Mapping[str, Any]], label: str) -> None:
    """One curve: a vertical step at each damage, from the value before to that right after."""
    epochs = np.arange(values.size, dtype=float)
    for strike in reversed(strikes):
        place = int(strike["epoch"]) + 1
        epochs = np.insert(epochs, place, strike["epoch"])
        values = np.insert(values, place, _number(strike["after"][name]))
    line_plot(ax, epochs, {"validation": values}, xlabel="epoch", ylabel=label)
    with style():
        for strike in strikes:
            epoch, after = strike["epoch"], _number(strike["after"][name])
            ax.axvline(epoch, color=MARK, linestyle=(0, (4, 3)), linewidth=0.9, zorder=1)
            ax.plot([epoch], [after], "o", color=MARK, markersize=5, zorder=4, label=f"right after: {after:.4g}")
        before = _number(strikes[-1]["before"][name])
        ax.axhline(before, color="#606060", linestyle=":", linewidth=0.9, zorder=1, label=f"before: {before:.4g}")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3, ncols=2)


def _what(strike: Mapping[str, Any]) -> str:
    """As in the log."""
    kinds = ", ".join(f"{len(edges)} {kind}" for kind, edges in strike["edges"].items()) or "none"
    return f"damage after epoch {strike['epoch']}: of {strike['transistors']} transistors {kinds}"


def _label(run: RunFiles, name: str) -> str:
    """Of an axis."""
    if name == ACCURACY:
        return "accuracy"
    facts = read_meta(run.folder).get("objective") if (run.folder / META).is_file() else None
    return str(facts["label"]) if facts else name.removeprefix("val_")


def _log_scale_if_long(ax: Axes, values: NDArray[np.float64]) -> None:
    """As in the learning curves."""
    finite = values[np.isfinite(values)]
    if finite.size and finite.min() > 0 and finite.max() > DECADE * finite.min():
        ax.set_yscale("log")


def _number(value: float | None) -> float:
    """JSON has no NaN: a loss of which no sample could be solved is null."""
    return float("nan") if value is None else float(value)
