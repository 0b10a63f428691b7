"""Tables of meta-loops: means over trials in the published program's layout, and every trial as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from common.runs.files import write_text
from psa_resmlp.sagemaker.log_lines import TrialLines
from psa_resmlp.sagemaker.names import Cell
from psa_resmlp.study.architectures import ARCHITECTURES, FAMILY_TITLES
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.tables.files import STEMS

MISSING = "N/A"
CONVERGENCE, GROWTH = "trials_convergence", "trials_lkg_growth"
COLUMNS = (
    "family", "architecture", "mode", "trial", "meta_loop",
    "validation_percent", "lkg_percent", "growth_percent", "test_percent",
)  # fmt: skip
_TEXTS = {
    CONVERGENCE: ("convergence", "Validation accuracy of the network of every meta-loop, percent"),
    GROWTH: ("LKG growth", "Growth of the LKG's validation accuracy since the meta-loop before, percentage points"),
}
Cells = Mapping[Cell, Mapping[int, TrialLines]]
Value = Callable[[TrialLines, int], float | None]


def write_tables(folder: Path, cells: Cells, family: str) -> list[Path]:
    """Write <stem>_trials_convergence, as .md and .csv, and <stem>_trials_lkg_growth.md; returns the paths.

    Args:
        folder: made if it is missing.
        cells: trials by number of every architecture and mode; at least one, and each trial with a meta-loop.
        family: resmlp or mlp.

    Raises:
        OSError: the folder cannot be written.
    """
    known = ordered(cells)
    texts = {
        f"{CONVERGENCE}.md": convergence_table(known, family),
        f"{GROWTH}.md": growth_table(known, family),
        f"{CONVERGENCE}.csv": trials_csv(known, family),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{STEMS[family]}_{name}" for name in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_text(path, text)
    return paths


def ordered(cells: Cells) -> dict[Cell, Mapping[int, TrialLines]]:
    """The same cells in the study's order, followed by architectures that are not in the study."""
    others = {cell.architecture for cell in cells} - set(ARCHITECTURES)
    names = [*ARCHITECTURES, *sorted(others, key=lambda architecture: architecture.stacks)]
    every = (Cell(architecture, mode) for architecture in names for mode in MODE_NAMES)
    return {cell: cells[cell] for cell in every if cell in cells}


def convergence_table(cells: Cells, family: str) -> str:
    """The mean over the trials of the validation accuracy of every meta-loop, a row for every cell."""
    return _table(CONVERGENCE, cells, family, _validation)


def growth_table(cells: Cells, family: str) -> str:
    """The mean over the trials of the LKG's growth in every meta-loop, a row for every cell."""
    return _table(GROWTH, cells, family, TrialLines.growth)


def trials_csv(cells: Cells, family: str) -> str:
    """One row per meta-loop and trial, with COLUMNS; unknown numbers are empty."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for cell, trials in cells.items():
        for number, trial in trials.items():
            for meta_loop in sorted(trial.loops):
                line = trial.loops[meta_loop]
                numbers = (line.validation, line.lkg, trial.growth(meta_loop), trial.test)
                shown = ["" if value is None else repr(value) for value in numbers]
                writer.writerow([family, cell.architecture.name, cell.mode, number, meta_loop, *shown])
    return buffer.getvalue()


def _table(kind: str, cells: Cells, family: str, value: Value) -> str:
    title, text = _TEXTS[kind]
    last = max(meta_loop for trials in cells.values() for trial in trials.values() for meta_loop in trial.loops)
    loops = range(1, last + 1)
    lines = [
        f"# Persistent stochastic ablation: {title} of {FAMILY_TITLES[family]}",
        "",
        f"{text}; Final Test is the test accuracy of the last LKG. Means over the trials.",
        "",
        _row(["Architecture", "Mode", *(f"Meta-Loop {meta_loop}" for meta_loop in loops), "Final Test"]),
        "|:---|:---|" + "---:|" * (last + 1),
    ]
    for cell, trials in cells.items():
        means = [_mean(value(trial, meta_loop) for trial in trials.values()) for meta_loop in loops]
        means.append(_mean(trial.test for trial in trials.values()))
        shown = [MISSING if mean is None else f"{mean:.2f}" for mean in means]
        lines.append(_row([cell.architecture.name, cell.mode, *shown]))
    return "\n".join([*lines, ""])


def _validation(trial: TrialLines, meta_loop: int) -> float | None:
    line = trial.loops.get(meta_loop)
    return None if line is None else line.validation


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _row(words: Sequence[str]) -> str:
    return "| " + " | ".join(words) + " |"
