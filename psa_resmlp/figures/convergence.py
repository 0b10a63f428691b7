"""Validation accuracy per meta-loop, the best trial of each mode (ResMLP_Plot_Convergence.png).

The input is a folder with run folders in it, at any depth, as psa-sweep and psa-train write them. In each,
run_meta.json holds the architecture as config["arch"] and the family as config["family"], and metrics.csv has a row for
every meta-loop of every replica with at least the columns COLUMNS; accuracies are percent. A replica that was trained
in several modes is left out: it did not start like others of its last mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import InputError
from common.plotting import line_plot, style
from common.plugins import add_search_path, recorded_folders
from common.runs import load_run
from psa_resmlp.figures.scales import ACCURACY_TICKS, accuracy_of, negative_log_error
from psa_resmlp.study.architectures import FAMILY_TITLES, Architecture, parse
from psa_resmlp.study.chain import UNKNOWN, Chain, described, is_chain, is_chained, links
from psa_resmlp.study.modes import MODE_NAMES, get_mode, in_order

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = ("meta_loop", "mode", "trial", "val_accuracy", "lkg_accuracy")


@dataclass(frozen=True)
class Curve:
    """One replica: its meta-loops (rising, from 1), their validation accuracies, and the best network's; percent."""

    mode: str
    loops: tuple[int, ...]
    accuracies: tuple[float, ...]
    bounty: float


Curves = dict[tuple[str, Architecture], dict[str, Curve]]


def read_curves(
    folder: Path, targets: Sequence[Architecture], report: Callable[[str], None] = lambda line: None
) -> Curves:
    """The best replica of every mode, by (family, architecture); of equals the first, in the order of folders.

    `report` gets a line for every replica that is left out as a chain of modes.

    Raises:
        InputError: no run of a target in the folder, or a metrics.csv without the columns.
    """
    if not folder.is_dir():
        raise InputError(f"sweep folder {folder} does not exist; name a folder that psa-sweep or psa-train has written")
    best: Curves = {}
    for path in sorted(folder.rglob("metrics.csv")):
        if (path.parent / "run_meta.json").is_file():
            _take_in(path.parent, targets, best, report)
    for target in targets:
        if not any(architecture == target for _, architecture in best):
            raise InputError(f"{folder} has no run of {target}; --targets takes architectures of the sweep")
    return best


def _take_in(folder: Path, targets: Sequence[Architecture], best: Curves, report: Callable[[str], None]) -> None:
    record = load_run(folder)
    if "arch" not in record.config:
        return  # a run of another suite
    add_search_path(recorded_folders(record.meta.get("plugins") or {}))  # of modes of the user's own
    architecture, family = parse(str(record.config["arch"])), str(record.config.get("family", "resmlp"))
    if architecture not in targets:
        return
    table = record.metrics
    missing = [name for name in COLUMNS if name not in table.columns] if len(table) else []
    if missing:
        raise InputError(f"{folder}/metrics.csv has no column {missing[0]}, needed: {', '.join(COLUMNS)}")
    _check_numbers(folder, table)
    for trial, rows in table.groupby("trial", sort=True) if len(table) else ():
        rows = rows.sort_values("meta_loop")
        mode = str(rows["mode"].iloc[-1])
        chain = _chain(record.meta, str(trial), rows["mode"])
        if is_chained(chain, mode):
            report(f"left out: {folder}, trial {trial}: a chain of modes, {described(chain)}")
            continue
        bounty, found = float(rows["lkg_accuracy"].max()), best.setdefault((family, architecture), {})
        if mode not in found or bounty > found[mode].bounty:
            found[mode] = Curve(mode, tuple(rows["meta_loop"]), tuple(rows["val_accuracy"]), bounty)


def _check_numbers(folder: Path, table: pd.DataFrame) -> None:
    import pandas as pd

    for name in (name for name in COLUMNS if name.endswith(("loop", "accuracy")) and len(table)):
        numbers = pd.to_numeric(table[name], errors="coerce")
        if not np.isfinite(numbers).all() or numbers.min() < 0 or (numbers.max() > 100 and name != "meta_loop"):
            raise InputError(
                f"{folder}/metrics.csv is damaged: {name} holds other things than numbers, or impossible ones"
            )
        table[name] = numbers


def _chain(meta: Mapping[str, Any], trial: str, modes: Iterable[Any]) -> Chain:
    """The chain of a replica's modes, from its rows; run_meta.json records whether it began with an unknown network."""
    chains = meta.get("chain")
    noted = chains.get(trial, []) if isinstance(chains, dict) else []
    begin = [link for link in noted[:1] if link["mode"] == UNKNOWN] if is_chain(noted) else []
    return [*begin, *links(map(str, modes))]


def convergence(
    family: str, curves: Sequence[tuple[Architecture, dict[str, Curve]]], regimes: Mapping[str, str] | None = None
) -> Figure:
    """The figure: a panel for every architecture with a line for every mode that has a trial.

    `regimes` by the architectures' names go into the titles of their panels.
    """
    columns = min(2, len(curves))
    rows = -(-len(curves) // columns)
    with style():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(4.2 * columns + 1.0, 3.2 * rows + 0.4))
        axes = fig.subplots(rows, columns, squeeze=False).ravel()
        for ax, (architecture, modes) in zip(axes, curves, strict=False):
            loops = sorted({int(loop) for curve in modes.values() for loop in curve.loops})
            series = {_label(modes[name]): _on(modes[name], loops) for name in in_order(modes)}
            regime = f": {regimes[architecture.name].replace('-', ' ')}" if regimes else ""
            title = f"{FAMILY_TITLES[family]} {architecture.name.replace('*', '×')}{regime}"
            line_plot(ax, loops, series, xlabel="meta-loop", ylabel="validation accuracy (%)", title=title)
            for line, name in zip(ax.lines, in_order(modes), strict=False):
                if name not in MODE_NAMES:
                    line.set_color(get_mode(name).color)
            _stretch(ax, [value for curve in modes.values() for value in curve.accuracies])
            ax.legend(loc="lower right", title="mode (best network)", title_fontsize=7.5)
        for ax in axes[len(curves) :]:
            ax.set_visible(False)
    return fig


def _stretch(ax: Axes, accuracies: Sequence[float]) -> None:
    """An axis that is logarithmic in the error, which spreads the last tenths of a percent."""
    ax.set_yscale("function", functions=(negative_log_error, accuracy_of))
    low, high = min(accuracies), max(accuracies)
    if low < high < 100:
        error = (100 - high) * ((100 - high) / (100 - low)) ** 0.05
        ax.set_ylim(low, 100 - error)
        ticks = [tick for tick in ACCURACY_TICKS if low <= tick <= 100 - error]
        if len(ticks) > 1:
            ax.set_yticks(ticks, labels=[f"{tick:g}" for tick in ticks])


def _label(curve: Curve) -> str:
    return f"{get_mode(curve.mode).title} ({curve.bounty:.2f} %)"


def _on(curve: Curve, loops: Iterable[int]) -> list[float]:
    known = dict(zip(curve.loops, curve.accuracies, strict=True))
    return [known.get(int(loop), float("nan")) for loop in loops]
