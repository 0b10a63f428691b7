"""The LaTeX table of mean accuracies, with the winning mode of every architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.plugins import label
from psa_resmlp.study.architectures import Architecture
from psa_resmlp.study.modes import get_mode, in_order, with_study
from psa_resmlp.tables import latex
from psa_resmlp.tables.study import Summary
from psa_resmlp.tables.summary import SummaryTable

TIE = 0.01
_EQUAL = 1e-9  # a difference of two numbers with two decimals is not exact


def winners(modes: Mapping[str, Summary]) -> list[str]:
    """Names of the modes whose mean is at most 0.01 below the best, in the study's order; none without trials."""
    if not modes:
        return []
    best = max(summary.mean for summary in modes.values())
    return [name for name in in_order(modes) if best - modes[name].mean <= TIE + _EQUAL]


def accuracy_table(table: SummaryTable, order: Sequence[Architecture], *, caption: str, label: str) -> str:
    """The table as LaTeX, a row per architecture of `order`; those that the summary lacks are left out."""
    modes = with_study(table.modes())
    titles = [
        r"\textbf{Architecture}",
        *(rf"\textbf{{{latex.escape(get_mode(mode).title)}}}" for mode in modes),
        r"\textbf{Winner}",
    ]
    units = ["", *([r"mean $\pm$ std (\%)"] * len(modes)), ""]
    rows = [_row(one, table.cells[one], modes) for one in order if one in table.cells]
    columns = "l" + "c" * len(modes) + "l"
    return latex.table(columns, [titles, units], rows, caption=caption, label=label)


def _row(architecture: Architecture, found: Mapping[str, Summary], modes: Sequence[str]) -> list[str]:
    won = winners(found)
    cells = [_cell(found.get(mode), mode in won) for mode in modes]
    return [latex.escape(architecture.name), *cells, _winner(won)]


def _cell(summary: Summary | None, bold: bool) -> str:
    if summary is None:
        return "--"
    text = rf"{summary.mean:.2f} \pm {summary.std:.2f}"
    return rf"$\mathbf{{{text}}}$" if bold else f"${text}$"


def _winner(won: Sequence[str]) -> str:
    words = "/".join(rf"\texttt{{{latex.escape(label(name))}}}" for name in won)
    return f"Tie: {words}" if len(won) > 1 else words or "--"
