"""Draw convergence from the run folders of a sweep (`psa-make-convergence-plots`)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common.cli import Parser, run_command
from common.errors import InputError
from psa_resmlp.figures.convergence import convergence, read_curves
from psa_resmlp.figures.files import figure_path, save
from psa_resmlp.scripts.options import RESULTS, add_classifier, add_zeror, zeror_of
from psa_resmlp.study.architectures import FAMILIES, Architecture, parse_list
from psa_resmlp.tables.files import read_study
from psa_resmlp.tables.regimes import get_all_regime_classifications

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
    text = "folder with run folders in it, such as a sweep's"
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help=text)
    parser.add_argument("--logs-dir", type=Path, metavar="DIR", help="the same, by the published program's name")
    text = f'architectures with commas between them (default: "{TARGETS}")'
    parser.add_argument("--targets", default=TARGETS, metavar="LIST", help=text)
    text = f"{', '.join(FAMILIES)}; needed where the folder holds both (default: the one that is there)"
    parser.add_argument("--family", choices=FAMILIES, metavar="NAME", help=text)
    text = f"folder for the figure (default: {RESULTS})"
    parser.add_argument("--output-dir", type=Path, default=RESULTS, metavar="DIR", help=text)
    text = "trials table, or its folder: adds regimes to the titles of the panels"
    parser.add_argument("--trials-file", type=Path, metavar="FILE", help=text)
    add_zeror(parser)
    add_classifier(parser)
    arguments = parser.parse_args(argv)
    return run_command("psa-make-convergence-plots", lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    targets = list(dict.fromkeys(parse_list(arguments.targets)))
    folder = _folder(arguments)
    best = read_curves(folder, targets, report=lambda line: print(line, file=sys.stderr))
    families = sorted({family for family, _ in best if arguments.family in (None, family)})
    if len(families) != 1:
        reason = f"holds runs of {' and '.join(families)}" if families else f"has no run of {arguments.family}"
        raise InputError(f"{folder} {reason}; name one with --family")
    family = families[0]
    chosen = [(target, best[family, target]) for target in targets if (family, target) in best]
    path = figure_path(arguments.output_dir, family, "Plot_Convergence")
    print(f"written: {save(convergence(family, chosen, _regimes(arguments, family, targets)), path)}")
    return 0


def _folder(arguments: argparse.Namespace) -> Path:
    given: list[Path] = [one for one in (arguments.folder, arguments.logs_dir) if one is not None]
    if len(given) != 1:
        raise InputError("name one folder with run folders in it, as FOLDER or with --logs-dir")
    return given[0]


def _regimes(arguments: argparse.Namespace, family: str, targets: Sequence[Architecture]) -> dict[str, str] | None:
    if arguments.trials_file is None:
        return None
    study = read_study(arguments.trials_file, family)
    return get_all_regime_classifications(targets, study, zeror_of(arguments), arguments.classifier)
