"""Numbers by name in one option: "power=0.1 homeostasis=0.01", and the numbers of a dataclass set in this way."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

from common.cli import build
from common.errors import InputError
from common.values import number, shown


def named_numbers(flag: str, text: str) -> dict[str, float]:
    """The numbers that an option names, in their order.

    Raises:
        InputError: a word is not NAME=NUMBER, or a name comes twice.
    """
    given: dict[str, float] = {}
    for word in text.split():
        name, equals, value = word.rpartition("=")  # a name may be package.module:Name
        if not equals or not name:
            raise InputError(f"{flag}: {shown(word)} is not NAME=VALUE")
        if name in given:
            raise InputError(f"{flag}: {name} comes twice")
        try:
            given[name] = number(value)
        except InputError as problem:
            raise InputError(f"{flag}: {name}: {problem}") from None
    return given


def numbers_of(flag: str, text: str, kind: Any, names: Sequence[str], what: str) -> dict[str, Any]:
    """Some fields of a dataclass of options, by name: those that an option sets, and the defaults of the others.

    Args:
        flag: of the option, for messages.
        text: of the option.
        kind: the dataclass; its fields are declared by `common.cli.option`.
        names: of the fields that may be set.
        what: it is, for messages, e.g. "objective Hinge".

    Raises:
        InputError: a field has no value or one outside its range, or there is no such field.
    """
    given = named_numbers(flag, text)
    for field in dataclasses.fields(kind):
        if field.name in names and field.default is dataclasses.MISSING and field.name not in given:
            raise InputError(f"{what}: {flag} {field.name}=VALUE is missing")
    try:
        return dataclasses.asdict(build(_options(kind, *names), given))
    except InputError as problem:
        raise InputError(f"{flag}: {str(problem).removeprefix('argument --')}") from None


@functools.cache
def _options(kind: Any, *names: str) -> type[Any]:
    """Some fields of a dataclass as a dataclass of options."""
    own = [field for field in dataclasses.fields(kind) if field.name in names]
    parts = [(field.name, float, dataclasses.field(default=field.default, metadata=field.metadata)) for field in own]
    return dataclasses.make_dataclass("Options", parts, frozen=True, kw_only=True)
