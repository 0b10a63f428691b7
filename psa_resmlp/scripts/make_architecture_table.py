"""A LaTeX table of the architectures: parameters, and matched or asymmetric (`psa-make-architecture-table`)."""

from __future__ import annotations

from collections.abc import Sequence

from common.cli import Parser, run_command
from psa_resmlp.scripts.options import add_config_file, add_output, put
from psa_resmlp.study.architectures import FAMILIES, FAMILY_TITLES, Architecture, chosen
from psa_resmlp.tables import latex

DESCRIPTION = """\
Print a LaTeX table (booktabs) of architectures: number of parameters, and whether the design matches others in it.

example: psa-make-architecture-table --output architectures.tex
         writes a table of 98 rows at once
"""


def architecture_table(architectures: Sequence[Architecture], family: str, *, caption: str, label: str) -> str:
    """The table as LaTeX, a row per architecture.

    Raises:
        InputError: unknown family.
    """
    header = [[rf"\textbf{{{name}}}" for name in ("Architecture", "Parameters", "Parameter Matching")]]
    rows = [
        [
            latex.escape(architecture.name),
            f"{architecture.parameters(family):,}".replace(",", "{,}"),
            "Asymmetric" if architecture.asymmetric else "Matched",
        ]
        for architecture in architectures
    ]
    return latex.table("lrl", header, rows, caption=caption, label=label)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-make-architecture-table`; see DESCRIPTION."""
    parser = Parser(prog="psa-make-architecture-table", description=DESCRIPTION)
    add_config_file(parser)
    text = f"family of networks: {', '.join(FAMILIES)} (default: resmlp)"
    parser.add_argument("--family", choices=FAMILIES, default="resmlp", metavar="NAME", help=text)
    parser.add_argument("--caption", metavar="TEXT", help="caption (default: names the family)")
    parser.add_argument("--label", default="tab:architecture_parameters", metavar="TEXT", help="label for references")
    add_output(parser)
    arguments = parser.parse_args(argv)

    def work() -> int:
        caption = arguments.caption or f"Parameters of {FAMILY_TITLES[arguments.family]} architectures"
        architectures = chosen(arguments.config_file)
        put(
            architecture_table(architectures, arguments.family, caption=caption, label=arguments.label),
            arguments.output,
        )
        return 0

    return run_command("psa-make-architecture-table", work)
