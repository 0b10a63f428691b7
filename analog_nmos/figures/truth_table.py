"""What a network answers in an epoch for each of a few samples, with the voltages that it answers by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.figures.few_samples import SMALL, few_samples, level_names, sample_names
from analog_nmos.figures.run_files import RunFiles
from analog_nmos.figures.vg_heatmap import epoch_name
from analog_nmos.readouts import NearestLevel
from analog_nmos.readouts.answers import NO_CLASS
from common.plotting import COLORS, figure, heatmap, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RIGHT, WRONG = "#CFE3F1", "#F8D9C4"  # light tints of blue and orange
ROW_IN, AROUND_IN = 0.28, 1.15  # height of a row, and of what is above and below the table


def truth_table(run: RunFiles, epoch: int, out: Path, plot_format: str = "png") -> list[Path]:
    """truth_table_epoch<n>: a row per sample with its outputs, their score, its level, and what that answers.

    Raises:
        LeftOut: another kind of task (see `few_samples`), or no outputs of the epoch.
    """
    samples, names = few_samples(run), level_names(run)
    out_V, score_V = samples.out_V(epoch), samples.scores_V(epoch)
    answers = NearestLevel(run.readout.levels_V).predict(score_V)
    answers[~np.isfinite(score_V[:, 0])] = NO_CLASS
    right = answers == samples.y
    called, inputs = sample_names(samples)
    fig, axes = _table(len(right), out_V.shape[1], max(map(len, names)), max(map(len, inputs)))
    _voltages(axes, run, inputs, out_V, np.column_stack([score_V, np.array(run.readout.levels_V)[samples.y]]))
    texts = [f"{names[k]} {'✓' if good else '✗'}" for k, good in zip(answers, right, strict=True)]
    _answers(axes[2], [text if k != NO_CLASS else "failed" for k, text in zip(answers, texts, strict=True)], right)
    with style():
        for ax, title in zip(axes, ("outputs (V)", "(V)", ""), strict=True):
            ax.set_aspect("auto")
            ax.set_title(title, fontsize=8)
        axes[0].set_ylabel(called)
        text = f"{epoch_name(epoch)}: {right.sum()} of {right.size} {run.validated_on} right"
        fig.suptitle(text, fontsize=9)
    return [save(fig, out / f"truth_table_epoch{epoch}", plot_format)]


def _table(rows: int, outputs: int, longest_name: int, longest_input: int) -> tuple[Any, Any]:
    """A figure with three axes: outputs, what is compared, answers."""
    return figure(
        ncols=3,
        width="single" if longest_name + longest_input <= SMALL else "double",
        height_in=AROUND_IN + ROW_IN * rows,
        gridspec_kw={"width_ratios": [outputs, 2, 1 + 0.15 * longest_name]},
        sharey=True,
    )


def _voltages(axes: Any, run: RunFiles, inputs: list[str], out_V: Any, compared_V: Any) -> None:
    """Outputs, and scores beside levels: their colours change half-way between the levels."""
    labels = run.readout.output_labels(out_V.shape[1])
    options: dict[str, Any] = {"colorbar": False, "annotate": ".4f"}
    heatmap(axes[0], out_V, "", xlabels=labels, ylabels=inputs, **options)
    center_V = float(np.mean(run.readout.levels_V))
    heatmap(axes[1], compared_V, "", center=center_V, xlabels=("score", "level"), **options)


def _answers(ax: Axes, texts: list[str], right: NDArray[np.bool_]) -> None:
    """A column of the classes that were answered, on blue where they are right and on orange where they are wrong."""
    from matplotlib.colors import ListedColormap

    with style():
        ax.imshow(right[:, None], cmap=ListedColormap([WRONG, RIGHT]), vmin=0, vmax=1)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_xticks([0], labels=["answer"])
        for row, (text, good) in enumerate(zip(texts, right, strict=True)):
            ax.text(0, row, text, ha="center", va="center", size=6, color=COLORS[0] if good else COLORS[1])
