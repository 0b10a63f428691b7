"""Curves over epochs: accuracy, loss, timing, and how many samples were active."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.recorded_readout import RecordedReadout
from analog_nmos.figures.recovery import recovery
from analog_nmos.figures.regression_curve import regression_curve
from analog_nmos.figures.run_files import LeftOut, OtherKind, RunFiles, read_array
from analog_nmos.figures.scores import scores
from analog_nmos.figures.truth_table import truth_table
from analog_nmos.objectives import OBJECTIVES
from common.plotting import figure, line_plot, save, style
from common.runs.folder import META
from common.runs.read import read_meta

PHASES = {
    "total": "epoch_total_s",
    "free phase": "epoch_free_s",
    "clamped": "epoch_clamp_s",
    "update": "epoch_update_s",
}
DECADE = 10.0
POINTS = 500  # that a line over epochs has room for


def curves_of_run(folder: Path, config: Any) -> None:
    """All curves of a run that is done, in its folder, and what its answers look like where they are few.

    See `common.experiment.plots`.
    """
    for draw in (learning_curves, timing, hinge_active):
        draw(folder, config.plot_format)
    run = RunFiles(folder)
    for once in (regression_curve, scores, recovery):
        with contextlib.suppress(OtherKind):
            once(run, folder, config.plot_format)
    with contextlib.suppress(OtherKind):
        truth_table(run, config.epochs, folder, config.plot_format)


def learning_curves(folder: Path, plot_format: str = "png", out: Path | None = None) -> list[Path]:
    """Accuracy and loss over epochs, training (online, before each update) and validation (epoch 0 included).

    Where answers are values there is no accuracy.

    Args:
        folder: of the run.
        plot_format: png, pdf or svg.
        out: where to write; None for the run's folder. The same in all functions here.

    Raises:
        LeftOut: the histories are not in the folder. The same in all functions here.
    """
    loss, label = loss_of(folder)
    quantities = {"acc": "accuracy", loss: label}
    if RecordedReadout.of(_meta(folder)).is_values:
        del quantities["acc"]
    return [_train_and_val(folder, name, what, plot_format, out or folder) for name, what in quantities.items()]


def timing(folder: Path, plot_format: str = "png", out: Path | None = None) -> Path:
    """Seconds per epoch, in all and in each phase; medians of many epochs where there are thousands."""
    histories = [_history(folder, name) for name in PHASES.values()]
    epochs = min(history.size for history in histories)  # a run may be stopped between two files
    size = max(1, epochs // POINTS)  # of thousands, those that the machine was busy in would hide the others
    series = {label: _medians(history[:epochs], size) for label, history in zip(PHASES, histories, strict=True)}
    at = _medians(np.arange(1, epochs + 1), size)
    fig, ax = figure()
    what = "time per epoch (s)" if size == 1 else f"time per epoch (s), median of {size}"
    line_plot(ax, at, series, xlabel="epoch", ylabel=what)
    ax.set_ylim(bottom=0)
    with style():  # above the axes: long and short phases leave no free corner inside
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.3)
    return save(fig, (out or folder) / "timing", plot_format)


def hinge_active(folder: Path, plot_format: str = "png", out: Path | None = None) -> list[Path]:
    """Share of training samples with a loss above zero; none for objectives that skip no sample."""
    if not (folder / "0_hinge_active_frac.npy").exists():
        return []
    share = _history(folder, "hinge_active_frac")
    fig, ax = figure()
    epochs = np.arange(1, share.size + 1)
    line_plot(ax, epochs, {"active": 100 * share}, xlabel="epoch", ylabel="active samples (%)")
    ax.set_ylim(bottom=0)
    return [save(fig, (out or folder) / "hinge_active", plot_format)]


def loss_of(folder: Path) -> tuple[str, str]:
    """Name and label of the loss that the run trained, as run_meta.json says.

    Folders of earlier versions do not say it there, but have one of our losses in the name of a file.
    """
    recorded = _meta(folder).get("objective")
    if recorded:
        return str(recorded["loss"]), str(recorded["label"])
    kinds = [OBJECTIVES.get(name) for name in OBJECTIVES]
    for kind in kinds:
        if (folder / f"0_val_{kind.loss_name}.npy").exists():
            return kind.loss_name, kind.loss_label
    raise LeftOut(f"no history of a loss (0_val_{', _'.join(kind.loss_name for kind in kinds)}.npy)")


def _train_and_val(folder: Path, quantity: str, label: str, plot_format: str, out: Path) -> Path:
    val = _history(folder, f"val_{quantity}")
    part, trained = _parts(folder)
    series = {part: val}
    if (folder / f"0_train_{quantity}.npy").exists():  # else the run was stopped in its first epoch
        train = _history(folder, f"train_{quantity}")[: val.size - 1]
        padded = np.full(val.size, np.nan)
        padded[1 : 1 + train.size] = train
        series = {trained: padded, part: val}
    fig, ax = figure()
    line_plot(ax, np.arange(val.size), series, xlabel="epoch", ylabel=label)
    if quantity != "acc" and not RecordedReadout.of(_meta(folder)).is_highest:
        _log_scale_if_long(ax, list(series.values()))
    return save(fig, out / f"learning_curves_{quantity}", plot_format)


def _medians(values: NDArray[Any], size: int) -> NDArray[np.float64]:
    """The median of every `size` values; of the last block, that of what is left."""
    return np.array([np.median(values[start : start + size]) for start in range(0, len(values), size)])


def _parts(folder: Path) -> tuple[str, str]:
    """What the validation and the training are called."""
    on = _meta(folder).get("validated_on")
    if on == "training set":
        return "training set, after the epoch", "training set, before each update"
    tested = on == "test set" if on else bool(list(folder.glob("0_vout_test_epoch*.npy")))
    return "test" if tested else "validation", "training"


def _log_scale_if_long(ax: Any, series: Sequence[NDArray[np.float64]]) -> None:
    """A loss that falls by more than a factor of ten would be a flat line at its end."""
    values = np.concatenate(series)
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > DECADE * values.min():
        ax.set_yscale("log")


def _meta(folder: Path) -> dict[str, Any]:
    return read_meta(folder) if (folder / META).is_file() else {}


def _history(folder: Path, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = read_array(folder, f"0_{name}.npy")
    return values
