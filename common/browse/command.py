"""The command `nonideal`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.browse.runs import PLACES, list_runs
from common.browse.show import show_run
from common.browse.table import show_table
from common.cli import Parser, run_command, whole
from common.plotting import PLOT_FORMATS

DESCRIPTION = """\
Show runs and sweeps, finished and running.

examples: nonideal table results/analog_nmos/sweeps/dense_sweep --x gamma --y delta
          nonideal runs
          nonideal runs 'results/*/runs/*_seed-0' simulations results/corruption_study/default
          nonideal show results/analog_nmos/latest
"""
TABLE = """\
Print and plot a sweep: runs by status, accuracy by axis, the best runs, a heat map over two axes.
Any folder with run folders in it will do.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code. pandas and matplotlib are loaded when they are needed."""
    parser = Parser(prog="nonideal", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", metavar="{table,runs,show}", required=True, parser_class=Parser)
    _add_table(commands)
    runs = commands.add_parser("runs", help="list runs with their status", description="List runs with their status.")
    runs.add_argument(
        "places", nargs="*", metavar="FOLDER", help=f"folders of runs, such as that of a sweep, or glob patterns "
        f"(default: {', '.join(PLACES)})",
    )  # fmt: skip
    show = commands.add_parser("show", help="one run", description="Print a run's origin, result, last epochs, plots.")
    show.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="its folder")
    show.add_argument("--tail", type=whole(0), default=5, metavar="N", help="so many last epochs (default: 5)")
    arguments = parser.parse_args(argv)
    return run_command("nonideal", lambda: _work(arguments))


def _add_table(commands: argparse._SubParsersAction[Parser]) -> None:
    table = commands.add_parser("table", help="print and plot a sweep", description=TABLE)
    add = table.add_argument
    add("folder", type=Path, metavar="FOLDER", help="the sweep's folder")
    add("--value", metavar="COLUMN", help="what to compare (default: what the sweep chooses the best by)")
    add("--by", metavar="A,B", help="axes to compare along (default: all with more than one value)")
    add("--x", metavar="AXIS", help="heat map: axis across")
    add("--y", metavar="AXIS", help="heat map: axis down")
    add("--best", action="store_true", help="the heat map shows the best run of each cell instead of the mean")
    add("--top", type=whole(0), default=10, metavar="N", help="so many best runs (default: 10)")
    add("--csv", action="store_true", help="print the whole table as CSV instead, and plot nothing")
    add("--no-plots", action="store_true", help="print only")
    add("--plot-dir", type=Path, metavar="DIR", help="where plots go (default: FOLDER/plots)")
    text = f"format of the plots: {', '.join(PLOT_FORMATS)} (default: png)"
    add("--plot-format", choices=PLOT_FORMATS, default="png", metavar="FORMAT", help=text)


def _work(arguments: argparse.Namespace) -> int:
    if arguments.command == "table":
        return show_table(arguments)
    if arguments.command == "runs":
        return list_runs(arguments.places)
    return show_run(arguments.run_dir, arguments.tail)
