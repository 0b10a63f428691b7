"""Modes in the study's tables: by title; a user's own mode also with a line that names its class.

A table with such modes has below its heading a line `Mode <title>: <package.module:Name>` for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from common.errors import InputError
from common.inputs import shorten
from psa_resmlp.study.modes import MODE_NAMES, MODES, get_mode, in_order

_OWN = re.compile(r"Mode (?P<title>[^|:]+): (?P<name>[\w.]+:\w+)\s*")


def check_mode(name: str, where: str) -> None:
    """Check that a name is a mode's.

    Raises:
        InputError: it is not, or it is a user's own mode that cannot be imported.
    """
    if name not in MODES:
        raise InputError(f"{where}: unknown mode {shorten(repr(name))}, allowed: {', '.join(MODE_NAMES)}")
    get_mode(name)


def own_lines(names: Iterable[str]) -> list[str]:
    """The lines about users' own modes and an empty line; nothing where there are no such modes."""
    found = [f"Mode {get_mode(name).title}: {name}" for name in in_order(names) if name not in MODE_NAMES]
    return [*found, ""] if found else []


def names_by_title(text: str) -> dict[str, str]:
    """Names of modes by their titles: the study's, and users' own that a table's lines name.

    Raises:
        InputError: one of them cannot be imported.
    """
    own = {found["title"]: found["name"] for line in text.splitlines() if (found := _OWN.fullmatch(line))}
    for name in own.values():
        check_mode(name, "table")
    return {**{get_mode(name).title: name for name in MODE_NAMES}, **own}


def name_of(title: str, names: dict[str, str], where: str) -> str:
    """The mode with that title, ignoring case.

    Raises:
        InputError: there is none; the message begins with `where`.
    """
    found = next((name for other, name in names.items() if other.lower() == title.lower()), None)
    if found is None:
        raise InputError(f"{where}: unknown mode {shorten(repr(title.lower()))}, allowed: {', '.join(MODE_NAMES)}")
    return found
