"""The axes of a grid: their values on the command line or in a TOML file, and the nested product of them."""

from __future__ import annotations

import itertools
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from common.cli import Parser
from common.errors import InputError
from common.inputs import read_toml
from common.plugins import Registry
from common.values import check_integer, integer, number, path, shown

ABOUT_THE_START = {"quiet", "plots"}  # options of the sweep itself, not of its runs
RANGE, LARGEST_RANGE = re.compile(r"([0-9]+)-([0-9]+)"), 1_000_000
WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Axis:
    """A setting that takes one value after another.

    Attributes:
        name: an option of the experiment, or a name of its own together with `expand`.
        values: the published ones, in their order.
        expand: turns a value into settings; None means {name: value}. Raises InputError for a bad value.
        replaces: options that `expand` sets, so that they are not offered by themselves.
        help: for --help, where the name is none of the experiment's options.
    """

    name: str
    values: tuple[Any, ...]
    expand: Callable[[Any], dict[str, Any]] | None = None
    replaces: tuple[str, ...] = ()
    help: str = ""

    def settings(self, value: Any) -> dict[str, Any]:
        """The settings that a value stands for."""
        return {self.name: value} if self.expand is None else self.expand(value)


def add_axes(parser: Parser, config_type: type[Any], axes: Sequence[Axis]) -> None:
    """One option per axis and per further option of the experiment; each takes one value or several with commas.

    Integers may also be ranges, 0-79, with both ends; a number below 0 starts none.
    """
    grid = parser.add_argument_group("axes of the grid (several values: 0.03,0.3; of integers also 0-79 or 0-4,9)")
    known = {field.name: field for field in fields(config_type)}
    for axis in axes:
        text = axis.help or _help(known[axis.name])
        _add(grid, axis.name, text, ",".join(show(value) for value in axis.values), _also(known.get(axis.name)))
    hidden = {name for axis in axes for name in (axis.name, *axis.replaces)} | ABOUT_THE_START
    rest = parser.add_argument_group("further options of a run, which may become axes too")
    for name, field in known.items():
        if name not in hidden:
            default = "" if field.default in (None, MISSING) else show(field.default)
            _add(rest, name, _help(field), default, _also(field))


def chosen_axes(
    config_type: type[Any], axes: Sequence[Axis], file: Path | None, given: Mapping[str, str]
) -> list[Axis]:
    """The axes with the values of a TOML file and then of the command line, and after them the options added there.

    Raises:
        InputError: the file cannot be read, or a name or value is unknown.
    """
    hints = typing.get_type_hints(config_type)
    chosen = {axis.name: axis for axis in axes}
    hidden = {name for axis in axes for name in axis.replaces} | ABOUT_THE_START
    known = {field.name for field in fields(config_type)} - hidden | set(chosen)
    also = {name: field.name for field in fields(config_type) for name in _also(field)}
    read = {also.get(name, name): value for name, value in _read(file).items()}
    for name, value in {**read, **{name: text.split(",") for name, text in given.items()}}.items():
        if name not in known:
            raise InputError(f"--grid {file}: unknown axis {name!r}; known are {', '.join(sorted(known))}")
        axis = chosen.get(name, Axis(name, ()))
        entries = value if isinstance(value, list) else [value]
        entries = [one for entry in entries for one in _spread(name, entry, hints.get(name))]
        values = tuple(_typed(name, entry, hints.get(name)) for entry in entries)
        if not values or len(set(values)) < len(values):
            raise InputError(f"{_flag(name)}: {'no value' if not values else 'the same value twice'}")
        chosen[name] = Axis(name, values, axis.expand, axis.replaces, axis.help)
    return list(chosen.values())


def product(axes: Sequence[Axis]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(values by axis, settings) of every combination; the last axis runs fastest."""
    for values in itertools.product(*(axis.values for axis in axes)):
        labels = {axis.name: value for axis, value in zip(axes, values, strict=True)}
        settings: dict[str, Any] = {}
        for axis, value in zip(axes, values, strict=True):
            settings |= axis.settings(value)
        yield labels, settings


def show(value: Any) -> str:
    """A value as names and the command line have it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _help(field: Any) -> str:
    """The help of an option with what may be given, where that is a choice."""
    choices = field.metadata["choices"]
    allowed = choices.allowed if isinstance(choices, Registry) else ", ".join(choices)
    return f"{field.metadata['help']}: {allowed}" if allowed else str(field.metadata["help"])


def _also(field: Any) -> tuple[str, ...]:
    """Further names of an option; none of an axis that is no option."""
    also: tuple[str, ...] = field.metadata["also"] if field is not None else ()
    return also


def _add(group: Any, name: str, text: str, default: str, also: Sequence[str] = ()) -> None:
    shown = f" (default: {default})" if default else ""
    names, text = (_flag(name), *map(_flag, also)), text.replace("%", "%%") + shown
    group.add_argument(*names, dest=f"axis:{name}", metavar="X,..", help=text)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    return {name.replace("-", "_"): value for name, value in read_toml(file, "--grid").items()}


def _spread(name: str, entry: Any, hint: Any) -> Sequence[Any]:
    """The integers of a range such as 0-79; any other entry stays alone."""
    ends = RANGE.fullmatch(entry.strip()) if _kind(hint) is int and isinstance(entry, str) else None
    if ends is None:
        return (entry,)
    first, last = (_typed(name, end, hint) for end in ends.groups())
    if not 0 <= last - first < LARGEST_RANGE:
        what = "ends before it begins" if last < first else f"has more than {LARGEST_RANGE:,} integers"
        raise InputError(f"argument {_flag(name)}: the range {entry.strip()} {what}")
    return range(first, last + 1)


def _kind(hint: Any) -> Any:
    """The type of an option, inside `X | None`; str for an axis that is no option itself."""
    kinds = [kind for kind in (typing.get_args(hint) or (hint,)) if kind not in (type(None), None)]
    return kinds[0] if kinds else str


def _typed(name: str, entry: Any, hint: Any) -> Any:
    """An entry of the command line (text) or of a TOML file in the type of the option; bounds are checked later."""
    kind = _kind(hint)
    if kind is bool and str(entry).lower() in WORDS:
        return WORDS[str(entry).lower()]
    try:
        if kind is Path and isinstance(entry, str) and entry:
            return str(path(entry).resolve())  # workers may run elsewhere
        if isinstance(entry, int) and not isinstance(entry, bool):
            check_integer(entry)
            entry = float(entry) if kind is float else entry
        if kind in (int, float) and isinstance(entry, str):
            return (integer if kind is int else number)(entry)
    except InputError as problem:
        raise InputError(f"argument {_flag(name)}: {problem}") from None
    if isinstance(entry, kind) and not (kind is int and isinstance(entry, bool)):
        return entry
    words = {int: "an integer", float: "a number", bool: "true or false", Path: "a path"}
    raise InputError(f"argument {_flag(name)}: {shown(entry)} is not {words.get(kind, kind.__name__)}")
