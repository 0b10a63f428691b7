"""A LaTeX table of mean accuracies with the winning mode of every architecture (`psa-make-trial-accuracy-table`)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.cli import Parser, run_command
from common.errors import InputError
from psa_resmlp.scripts.options import RESULTS, TABLE_FOLDERS, add_family, add_output, default_table, put
from psa_resmlp.study.architectures import FAMILY_TITLES, chosen
from psa_resmlp.tables.accuracy import accuracy_table
from psa_resmlp.tables.files import read_summary_file
from psa_resmlp.tables.summary import SummaryTable

DESCRIPTION = """\
Print a LaTeX table (booktabs) of an accuracy summary: mean and population deviation of every mode, best validation
accuracy in percent, the best mean in bold, and the winner; modes within 0.01 of the best share the win.

example: psa-make-trial-accuracy-table --datafile results/psa_resmlp_summary.md --output accuracy.tex
"""
SUMMARY_FILE = "psa_resmlp_summary.md"


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
