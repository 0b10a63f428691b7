"""Draw all figures of a run from its folder (`nmos-figures`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analog_nmos.figures.registry import FIGURES, Drawn, choose_epochs, count, draw
from analog_nmos.figures.run_files import RunFiles
from common.cli import Parser, run_command
from common.errors import InputError
from common.progress import Progress
from common.runs.folder import make_writable
from common.values import integer, shown

DESCRIPTION = """\
Draw the figures of a run, finished or not, from its folder alone.

example: nmos-figures results/analog_nmos/latest --epochs last
         writes 13 files (hinge) to results/analog_nmos/latest/figures in about five seconds; every further epoch
         adds 7 files and about two seconds
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-figures`; see DESCRIPTION."""
    epilog = "\n".join(["figures:", *(f"  {name:18}{figure.shows}" for name, figure in FIGURES.items())])
    parser = Parser(prog="nmos-figures", description=DESCRIPTION, epilog=epilog)
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="folder of a run")
    parser.add_argument(
        "--plot-format", choices=("png", "pdf", "svg"), default="png", help="format of the files (default: png)"
    )
    parser.add_argument(
        "--epochs", type=_epochs, default="all", metavar="WHICH", help="all, last, or 1,5,10 (default: all)"
    )
    parser.add_argument(
        "--only", nargs="+", choices=tuple(FIGURES), metavar="NAME", help="these figures (default: all; names below)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: RUN_DIR/figures)")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    arguments = parser.parse_args(argv)
    return run_command("nmos-figures", lambda: _work(arguments))


def _epochs(text: str) -> str | list[int]:
    if text in ("all", "last"):
        return text
    try:
        return [integer(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not all, last, or numbers such as 1,5,10") from None


def _work(arguments: argparse.Namespace) -> int:
    run = RunFiles(arguments.run_dir)
    epochs = choose_epochs(run, arguments.epochs)
    names = [name for name in FIGURES if name in (arguments.only or FIGURES)]
    out = make_writable(arguments.out or run.folder / "figures", "--out", "name a folder that can be written")
    done: list[Drawn] = []
    with Progress(count(names, epochs), quiet=arguments.quiet) as progress:
        for drawn in draw(run, names, epochs, out, arguments.plot_format):
            done.append(drawn)
            progress.describe(drawn.name if drawn.epoch is None else f"{drawn.name} epoch {drawn.epoch}")
            progress.advance()
    files = [path for drawn in done for path in drawn.files]
    if not arguments.only:
        done = [drawn for drawn in done if not drawn.other_kind]
    if not files:
        reason = next(
            (drawn.left_out for drawn in done if drawn.left_out), "none of these figures is for its objective"
        )
        raise InputError(f"run folder {run.folder}: nothing to draw; {reason}")
    if not arguments.quiet:
        for line in _left_out(done):
            print(line)
        print(f"{len(files)} files written to {out}")
    return 0


def _left_out(done: Sequence[Drawn]) -> list[str]:
    """One line for each kind of figure and reason, with the epochs."""
    epochs: dict[tuple[str, str], list[int | None]] = {}
    for drawn in done:
        if drawn.left_out:
            epochs.setdefault((drawn.name, drawn.left_out), []).append(drawn.epoch)
    lines = []
    for (name, reason), which in epochs.items():
        numbers = [str(epoch) for epoch in which if epoch is not None]
        lines.append(f"left out: {name}{' of epoch ' * bool(numbers)}{', '.join(numbers)}: {reason}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
