"""psa_resmlp_summary.md: mean, deviation, smallest and largest bounty of every mode of every architecture."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from common.errors import InputError
from common.inputs import shorten
from psa_resmlp.study.architectures import FAMILY_TITLES, Architecture, parse
from psa_resmlp.study.modes import get_mode, in_order, with_study
from psa_resmlp.tables.study import Study, Summary
from psa_resmlp.tables.titles import name_of, names_by_title, own_lines
from psa_resmlp.tables.trials import MISSING, family_of

_SHAPE = re.compile(r"(?:#+\s*)?Results Shape \{(?P<shape>[^}]*)\} Parameters \{(?P<count>\d+)\}\s*")
_PERCENT = r"=(-?[\d.]+)%"
_LINE = re.compile(rf"\* ([^:|]+): Mean{_PERCENT} \| Std{_PERCENT} \| Min{_PERCENT} \| Max{_PERCENT} \(n=(\d+)\)\s*")


@dataclass
class SummaryTable:
    """A summary file: statistics by architecture and mode, and the parameter counts as the file states them."""

    family: str
    cells: dict[Architecture, dict[str, Summary]] = field(default_factory=dict)
    parameters: dict[Architecture, int] = field(default_factory=dict)

    def modes(self) -> list[str]:
        """Those that have statistics, in the study's order, and behind them others as they come."""
        return in_order(mode for modes in self.cells.values() for mode in modes)


def from_study(study: Study) -> SummaryTable:
    """Statistics of all trials; parameters are those of the study's family."""
    table = SummaryTable(study.family)
    for architecture in study.cells:
        found = {mode: study.summary(architecture, mode) for mode in study.modes()}
        table.cells[architecture] = {mode: summary for mode, summary in found.items() if summary}
        table.parameters[architecture] = architecture.parameters(study.family)
    return table


def format_summary(table: Study | SummaryTable) -> str:
    """The whole file; `N/A` stands for a mode without trials."""
    if isinstance(table, Study):
        table = from_study(table)
    title = f"# Persistent stochastic ablation: summary of {FAMILY_TITLES[table.family]}"
    lines = [title, "", *own_lines(table.modes()), "## Statistical Summary", ""]
    columns = [get_mode(name) for name in with_study(table.modes())]
    for architecture, modes in table.cells.items():
        lines.append(f"Results Shape {{{architecture.name}}} Parameters {{{table.parameters[architecture]}}}")
        lines += [f"* {mode.title}: {_statistics(modes.get(mode.name))}" for mode in columns]
        lines.append("")
    return "\n".join(lines)


def _statistics(one: Summary | None) -> str:
    if one is None:
        return MISSING
    return f"Mean={one.mean:.2f}% | Std={one.std:.2f}% | Min={one.low:.2f}% | Max={one.high:.2f}% (n={one.n})"


def parse_summary(text: str, *, family: str | None = None, source: str = "summary table") -> SummaryTable:
    """Read such a file, also one of the published tools; a mode with a word instead of numbers has no trials.

    Args:
        text: the file.
        family: family of its networks; by default from its title, else resmlp.
        source: the file's name, for messages.

    Raises:
        InputError: no architecture in it, or a line that cannot be read; the message names the line.
    """
    table = SummaryTable(family or family_of(text))
    architecture, names = None, names_by_title(text)
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{source}, line {number}"
        if shape := _SHAPE.fullmatch(line):
            architecture = parse(shape["shape"])
            if architecture in table.cells:
                raise InputError(f"{where}: architecture {architecture.name} is there twice; keep one")
            table.cells[architecture], table.parameters[architecture] = {}, int(shape["count"])
        elif line.startswith("* ") and architecture is not None:
            mode, summary = _mode_line(line, names, where)
            if summary is not None:
                table.cells[architecture][mode] = summary
    if not table.cells:
        raise InputError(f"{source} has no line 'Results Shape {{D*W}} Parameters {{N}}'; give a summary table")
    return table


def _mode_line(line: str, names: dict[str, str], where: str) -> tuple[str, Summary | None]:
    mode = name_of(line[2:].partition(":")[0], names, where)
    if found := _LINE.fullmatch(line):
        try:
            mean, std, low, high = (float(word) for word in found.groups()[1:5])
        except ValueError:
            raise InputError(f"{where}: {shorten(repr(line))} has a number that cannot be read") from None
        return mode, Summary(mean, std, low, high, int(found[6]))
    if "=" in line:  # a torn or foreign line; a word such as N/A or NO_JOB_FOUND means that there are no trials
        raise InputError(
            f"{where}: {shorten(repr(line))} is not '* Mode: Mean=..% | Std=..% | Min=..% | Max=..% (n=..)'"
        )
    return mode, None
