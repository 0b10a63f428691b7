"""Draw the design space (`psa-make-design-space-figure`)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from common.cli import Parser, run_command
from psa_resmlp.figures.design_space import design_space
from psa_resmlp.figures.files import figure_path, save
from psa_resmlp.scripts.options import RESULTS, add_config_file
from psa_resmlp.study.architectures import FAMILIES, chosen

DESCRIPTION = """\
Draw depth against width, both on logarithmic axes, with a label at every architecture.

example: psa-make-design-space-figure
         writes results/ResMLP_Testing_Design_Space.png (300 dpi) in two seconds
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-make-design-space-figure`; see DESCRIPTION."""
    parser = Parser(prog="psa-make-design-space-figure", description=DESCRIPTION)
    add_config_file(parser)
    text = f"family of networks in the title: {', '.join(FAMILIES)} (default: resmlp)"
    parser.add_argument("--family", choices=FAMILIES, default="resmlp", metavar="NAME", help=text)
    text = "path of the figure (default: ResMLP_ or SimpleMLP_Testing_Design_Space.png in results)"
    parser.add_argument("--output-file", type=Path, metavar="FILE", help=text)
    arguments = parser.parse_args(argv)
    return run_command("psa-make-design-space-figure", lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    architectures = chosen(arguments.config_file)
    path = arguments.output_file or figure_path(RESULTS, arguments.family, "Testing_Design_Space")
    print(f"written: {save(design_space(architectures, arguments.family), path)}")
    return 0
