"""Plot a campaign and find where accuracy has fallen to half (`corruption-plot`)."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, add_options, build, option, run_command
from common.errors import InputError
from common.plotting import save
from common.plugins import label
from common.runs.files import write_text
from common.runs.folder import make_writable
from corruption_study.curves import curves_of, half_of
from corruption_study.figure import draw
from corruption_study.tables import PER_RUN, csv_text, read_rows

DESCRIPTION = """\
Plot a campaign, also while it runs: accuracy.png has one subplot per activation and model type. Print, and write to
half_accuracy.csv, the p at which each curve has fallen to half of its first accuracy, with a 95% bootstrap interval.

example: corruption-plot results/corruption_study/default
"""
FIGURE, TABLE = "accuracy", "half_accuracy.csv"


@dataclass(frozen=True, kw_only=True)
class PlotConfig:
    """Figure and bootstrap."""

    format: str = option("png", "format of the figure", choices=("png", "pdf", "svg"))
    draws: int = option(2000, "bootstrap draws", low=100)
    seed: int = option(0, "seed of the bootstrap", low=0)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog="corruption-plot", description=DESCRIPTION)
    default = Path("results/corruption_study/default")
    parser.add_argument("folder", type=Path, nargs="?", default=default, help=f"the campaign's (default: {default})")
    parser.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="where the files go (default: the campaign's folder)"
    )
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    add_options(parser, PlotConfig)
    parser.usage = "%(prog)s [FOLDER] [options]"
    given = vars(parser.parse_args(argv))
    where = argparse.Namespace(**{name: given.pop(name) for name in ("folder", "run_dir", "quiet")})
    return run_command("corruption-plot", lambda: _work(build(PlotConfig, given), where))


def _work(config: PlotConfig, where: argparse.Namespace) -> int:
    lines = run(config, where.folder, where.run_dir)
    if not where.quiet:
        print("\n".join(lines))
    return 0


def run(config: PlotConfig, folder: Path, run_dir: Path | None = None) -> list[str]:
    """Write the figure and half_accuracy.csv of a campaign; return the table as lines to print.

    Raises:
        InputError: there is no campaign with a finished run in the folder.
    """
    if not folder.is_dir():
        raise InputError(f"folder {folder}: is not there; name the folder of a campaign")
    target = make_writable(run_dir or folder, "folder", "name another with --run-dir")
    table = read_rows(folder / PER_RUN)
    curves = curves_of(table)
    halves = [half_of(curve, draws=config.draws, seed=config.seed) for curve in curves]
    image = save(draw(curves, halves, table[0].get("corruption", "")), target / FIGURE, config.format)
    rows = [
        {"activation": c.activation, "model_type": c.model_type, "half_p": _cell(h.p), "low": _cell(h.low),
         "high": _cell(h.high), "half_accuracy": h.level}
        for c, h in zip(curves, halves, strict=True)
    ]  # fmt: skip
    names = ("activation", "model_type", "half_p", "low", "high", "half_accuracy")
    write_text(target / TABLE, csv_text(names, rows))
    lines = [f"{'model':<6}{'activation':<12}{'accuracy halves at p':>22}   95% interval"]
    for c, h in zip(curves, halves, strict=True):
        beyond = f"beyond {c.p[-1]:g}"
        words = [beyond if math.isinf(value) else f"{value:.3f}" for value in (h.p, h.low, h.high)]
        lines.append(f"{label(c.model_type):<6}{c.activation:<12}{words[0]:>22}   {words[1]} to {words[2]}")
    return [*lines, f"figure: {image}"]


def _cell(value: float) -> str:
    """A number as text; infinity, which means "beyond the largest p", becomes inf."""
    return f"{value:.6g}"


if __name__ == "__main__":
    sys.exit(main())
