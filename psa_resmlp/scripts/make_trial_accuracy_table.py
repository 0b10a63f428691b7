"""A LaTeX table of mean accuracies with the winning mode of every architecture (`psa-make-trial-accuracy-table`)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from common.cli import Parser, run_command
from common.errors import InputError
from psa_resmlp.scripts.options import RESULTS, TABLE_FOLDERS, add_family, add_output, default_table, put
from psa_resmlp.study.architectures import FAMILY_TITLES, Architecture, chosen
from psa_resmlp.study.modes import MODE_NAMES, MODES
from psa_resmlp.tables import latex
from psa_resmlp.tables.files import read_summary_file
from psa_resmlp.tables.study import Summary
from psa_resmlp.tables.summary import SummaryTable

DESCRIPTION = """\
Print a LaTeX table (booktabs) of an accuracy summary: mean and population deviation of every mode, best validation
accuracy in percent, the best mean in bold, and the winner; modes within 0.01 of the best share the win.

example: psa-make-trial-accuracy-table --datafile results/psa_resmlp_summary.md --output accuracy.tex
"""
SUMMARY_FILE = "psa_resmlp_summary.md"
TIE = 0.01
_EQUAL = 1e-9  # a difference of two numbers with two decimals is not exact


def winners(modes: Mapping[str, Summary]) -> list[str]:
    """Names of the modes whose mean is at most 0.01 below the best, in the study's order; none without trials."""
    if not modes:
        return []
    best = max(summary.mean for summary in modes.values())
    return [name for name in MODE_NAMES if name in modes and best - modes[name].mean <= TIE + _EQUAL]


def accuracy_table(table: SummaryTable, order: Sequence[Architecture], *, caption: str, label: str) -> str:
    """The table as LaTeX, a row per architecture of `order`; those that the summary lacks are left out."""
    titles = [
        r"\textbf{Architecture}",
        *(rf"\textbf{{{mode.title}}}" for mode in MODES),
        r"\textbf{Winner}",
    ]
    units = ["", *([r"mean $\pm$ std (\%)"] * len(MODES)), ""]
    rows = [_row(architecture, table.cells[architecture]) for architecture in order if architecture in table.cells]
    columns = "l" + "c" * len(MODES) + "l"
    return latex.table(columns, [titles, units], rows, caption=caption, label=label)


def _row(architecture: Architecture, modes: Mapping[str, Summary]) -> list[str]:
    won = winners(modes)
    cells = [_cell(modes.get(mode), mode in won) for mode in MODE_NAMES]
    return [latex.escape(architecture.name), *cells, _winner(won)]


def _cell(summary: Summary | None, bold: bool) -> str:
    if summary is None:
        return "--"
    text = rf"{summary.mean:.2f} \pm {summary.std:.2f}"
    return rf"$\mathbf{{{text}}}$" if bold else f"${text}$"


def _winner(won: Sequence[str]) -> str:
    words = "/".join(rf"\texttt{{{latex.escape(name)}}}" for name in won)
    return f"Tie: {words}" if len(won) > 1 else words or "--"


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-make-trial-accuracy-table`; see DESCRIPTION."""
    parser = Parser(prog="psa-make-trial-accuracy-table", description=DESCRIPTION)
    places = f"{RESULTS / SUMMARY_FILE}, else in {TABLE_FOLDERS[1]}"
    text = f"summary or trials table, or a folder that holds one (default: {places})"
    parser.add_argument("--datafile", type=Path, metavar="FILE", help=text)
    text = "text file with the architectures of the rows, one a line (default: the table's order)"
    parser.add_argument("--order", type=Path, metavar="FILE", help=text)
    add_family(parser)
    parser.add_argument("--caption", metavar="TEXT", help="caption (default: names the family and the trials)")
    parser.add_argument("--label", default="tab:results_summary_stats", metavar="TEXT", help="label for references")
    add_output(parser)
    arguments = parser.parse_args(argv)
    return run_command("psa-make-trial-accuracy-table", lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    file = arguments.datafile or default_table(SUMMARY_FILE)
    table = read_summary_file(file, arguments.family)
    order = list(table.cells) if arguments.order is None else chosen(arguments.order)
    if not any(table.cells.get(architecture) for architecture in order):
        raise InputError(f"{file} has no trials of these architectures")
    caption = arguments.caption or _caption(table)
    put(accuracy_table(table, order, caption=caption, label=arguments.label), arguments.output)
    return 0


def _caption(table: SummaryTable) -> str:
    numbers = [summary.n for modes in table.cells.values() for summary in modes.values()]
    low, high = min(numbers), max(numbers)
    trials = f"{low}" if low == high else f"{low} to {high}"
    return (
        f"Best validation accuracy of {FAMILY_TITLES[table.family]}, mean and standard deviation of {trials} "
        f"trial{'s' * (high > 1)}"
    )
