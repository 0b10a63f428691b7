"""psa_resmlp_trials.md: a table of bounties for every architecture, one row a trial, one column a mode."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from common.errors import InputError
from common.inputs import shorten
from psa_resmlp.study.architectures import FAMILY_TITLES, parse
from psa_resmlp.study.modes import MODE_NAMES, get_mode, with_study
from psa_resmlp.tables.study import Study, Trial
from psa_resmlp.tables.titles import name_of, names_by_title, own_lines

MISSING = "N/A"
_HEADING = "### Architecture:"


def format_trials(study: Study) -> str:
    """The whole file, architectures in the study's order; N/A where a mode lacks the trial of that row."""
    title = f"# Persistent stochastic ablation: trials of {FAMILY_TITLES[study.family]}"
    return "\n".join([title, "", *own_lines(study.modes()), "## Raw Trial Data", "", *_blocks(study)])


def _blocks(study: Study) -> list[str]:
    lines, columns = [], with_study(study.modes())
    for architecture, modes in study.cells.items():
        lines += [f"{_HEADING} {architecture.name}", "", _header(columns), "|:-----:|" + ":----:|" * len(columns)]
        rows = sorted({number for trials in modes.values() for number in trials})
        for number in rows:
            cells = [_cell(modes.get(mode, {}).get(number)) for mode in columns]
            lines.append("| " + " | ".join([str(number), *cells]) + " |")
        lines.append("")
    return lines


def _header(modes: Iterable[str]) -> str:
    return "| Trial | " + " | ".join(get_mode(mode).title for mode in modes) + " |"


def _cell(trial: Trial | None) -> str:
    return MISSING if trial is None else f"{trial.bounty:.2f}%"


def family_of(text: str, default: str = "resmlp") -> str:
    """The family that a file's title names: SimpleMLP or ResMLP; `default` where it names none."""
    title = next((line for line in text.splitlines() if line.startswith("# ")), "")
    return next((family for family, name in FAMILY_TITLES.items() if name.lower() in title.lower()), default)


def parse_trials(text: str, *, family: str | None = None, source: str = "trials table") -> Study:
    """Read such a file, also one written by the published tools (whose rules lack a bar).

    Columns are found by their titles, so some may be missing or in another order. An architecture without a table
    has no trials.

    Args:
        text: the file.
        family: family of its networks; by default from its title, else resmlp.
        source: the file's name, for messages.

    Raises:
        InputError: no architecture in it, or a row that cannot be read; the message names the line.
    """
    study = Study(family or family_of(text))
    architecture, columns, names = None, None, names_by_title(text)
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{source}, line {number}"
        if line.startswith(_HEADING):
            architecture, columns = parse(line[len(_HEADING) :]), None
            if architecture in study.cells:
                raise InputError(f"{where}: architecture {architecture.name} is there twice; keep one")
            study.cells[architecture] = {}
        elif line.startswith("|") and architecture is not None:
            words = [word.strip() for word in line.strip().strip("|").split("|")]
            if re.fullmatch(r"[|:\s-]+", line):
                continue
            if words[0].lower() == "trial":
                columns = _columns(words[1:], names, where)
            elif columns is None:
                raise InputError(f"{where}: a row before the header {_header(MODE_NAMES)}")
            else:
                for mode, trial in _row(words, columns, where):
                    study.add(architecture, mode, trial)
    if not study.cells:
        raise InputError(f"{source} has no line '{_HEADING} D*W'; give a trials table")
    return study


def _columns(titles: Sequence[str], names: dict[str, str], where: str) -> list[str]:
    columns = [name_of(title, names, where) for title in titles]
    if len(set(columns)) < len(columns):
        raise InputError(f"{where}: a mode has two columns; keep one")
    return columns


def _row(words: Sequence[str], columns: Sequence[str], where: str) -> list[tuple[str, Trial]]:
    if len(words) != 1 + len(columns):
        raise InputError(f"{where}: {len(words)} cells under {1 + len(columns)} titles")
    try:
        number = int(words[0])
        return [
            (mode, Trial(number, float(word.removesuffix("%"))))
            for mode, word in zip(columns, words[1:], strict=True)
            if word.upper() != MISSING
        ]
    except ValueError:
        raise InputError(
            f"{where}: {shorten(repr(' | '.join(words)))} is not a trial number and percentages (or N/A)"
        ) from None
