"""Draw the six heat maps of a trials table (`psa-make-figure-heatmaps`)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.cli import Parser, run_command
from psa_resmlp.figures.files import figure_path, save
from psa_resmlp.figures.heatmaps import HEATMAPS, Input, draw
from psa_resmlp.scripts.options import RESULTS, add_classifier, add_family, add_input, add_zeror, study_of, zeror_of

DESCRIPTION = """\
Draw six heat maps over depth and width: Baseline_Performance, Ablation_Effects (full less none, paired by trial;
striped where a two-sided t-test gives p of 0.05 or more, not corrected for the number of tests), Instability,
Winning_Strategy, Parameter_Matching and Regimes.

example: psa-make-figure-heatmaps --trials-file results/psa_resmlp_trials.md
         writes results/ResMLP_Heatmap_Regimes.png and five more (300 dpi) in some seconds
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-make-figure-heatmaps`; see DESCRIPTION."""
    parser = Parser(prog="psa-make-figure-heatmaps", description=DESCRIPTION)
    add_input(parser)
    add_family(parser)
    add_zeror(parser)
    add_classifier(parser)
    parser.add_argument("--only", nargs="+", choices=HEATMAPS, metavar="NAME", help=f"only: {', '.join(HEATMAPS)}")
    text = f"folder for the figures (default: {RESULTS})"
    parser.add_argument("--output-dir", type=Path, default=RESULTS, metavar="DIR", help=text)
    arguments = parser.parse_args(argv)
    return run_command("psa-make-figure-heatmaps", lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    study, architectures = study_of(arguments)
    zeror = zeror_of(arguments)
    data = Input(study, architectures, zeror, arguments.classifier)
    for name in (name for name in HEATMAPS if name in (arguments.only or HEATMAPS)):
        path = figure_path(arguments.output_dir, study.family, f"Heatmap_{name}")
        print(f"written: {save(draw(name, data), path)}")
    return 0
