"""Draw convergence from the run folders of a sweep (`psa-make-convergence-plots`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common.cli import Parser, run_command
from common.errors import InputError
from psa_resmlp.architectures import FAMILIES, parse_list
from psa_resmlp.options import RESULTS

DESCRIPTION = """\
Draw validation accuracy per meta-loop, a panel for every architecture and a line for every mode: its best trial, the
one whose best network has the highest validation accuracy.

example: psa-make-convergence-plots results/psa_resmlp/sweeps/study --targets "1*1024,18*18"
         writes results/ResMLP_Plot_Convergence.png (300 dpi)
"""
TARGETS = "1*1024,18*18"


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-make-convergence-plots`; see DESCRIPTION."""
    parser = Parser(prog="psa-make-convergence-plots", description=DESCRIPTION)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder with run folders in it, such as a sweep's")
    text = f'architectures with commas between them (default: "{TARGETS}")'
    parser.add_argument("--targets", default=TARGETS, metavar="LIST", help=text)
    text = f"{', '.join(FAMILIES)}; needed where the folder holds both (default: the one that is there)"
    parser.add_argument("--family", choices=FAMILIES, metavar="NAME", help=text)
    text = f"where the figure goes (default: {RESULTS})"
    parser.add_argument("--output-dir", type=Path, default=RESULTS, metavar="DIR", help=text)
    arguments = parser.parse_args(argv)
    return run_command("psa-make-convergence-plots", lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    targets = list(dict.fromkeys(parse_list(arguments.targets)))
    from psa_resmlp.figures.convergence import convergence, read_curves
    from psa_resmlp.figures.files import figure_path, save

    best = read_curves(arguments.folder, targets)
    families = sorted({family for family, _ in best if arguments.family in (None, family)})
    if len(families) != 1:
        reason = f"holds runs of {' and '.join(families)}" if families else f"has no run of {arguments.family}"
        raise InputError(f"{arguments.folder} {reason}; name one with --family")
    family = families[0]
    chosen = [(target, best[family, target]) for target in targets if (family, target) in best]
    path = figure_path(arguments.output_dir, family, "Plot_Convergence")
    print(f"written: {save(convergence(family, chosen), path)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
