"""The regime of every architecture of a trials table (`psa-regimes`); psa_resmlp.tables.regimes has the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from common.cli import Parser, run_command
from psa_resmlp.scripts.options import add_classifier, add_family, add_input, add_zeror, study_of, zeror_of
from psa_resmlp.tables.regimes import REGIMES, get_all_regime_classifications

DESCRIPTION = """\
Print the regime of every architecture of a trials table.

example: psa-regimes --trials-file results/psa_resmlp_trials.md
         prints a table, one row per architecture, and how many are in each regime; takes a second
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-regimes`; see DESCRIPTION."""
    parser = Parser(prog="psa-regimes", description=DESCRIPTION)
    add_input(parser)
    add_family(parser)
    add_zeror(parser)
    add_classifier(parser)
    parser.add_argument("--csv", action="store_true", help="print architecture,regime lines instead of a table")
    arguments = parser.parse_args(argv)

    def work() -> int:
        study, wanted = study_of(arguments)
        regimes = get_all_regime_classifications(wanted, study, zeror_of(arguments), arguments.classifier)
        print(_csv(regimes) if arguments.csv else _table(regimes))
        return 0

    return run_command("psa-regimes", work)


def _csv(regimes: Mapping[str, str]) -> str:
    return "\n".join(["architecture,regime", *(f'"{name}",{regime}' for name, regime in regimes.items())])


def _table(regimes: Mapping[str, str]) -> str:
    width = max(map(len, ["Architecture", *regimes]))
    lines = [f"| {'Architecture':{width}} | {'Regime':25} |", f"| {'-' * width} | {'-' * 25} |"]
    lines += [f"| {name:{width}} | {regime:25} |" for name, regime in regimes.items()]
    counts = [f"{list(regimes.values()).count(regime)} {regime}" for regime in REGIMES]
    return "\n".join([*lines, "", f"{len(regimes)} architectures: {', '.join(counts)}"])
