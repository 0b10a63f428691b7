"""Command lines from frozen dataclasses: a field is an option; its metadata has help, unit, choices and range."""

from __future__ import annotations

import argparse
import dataclasses
import functools
import inspect
import math
import operator
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from common.errors import InputError, Interrupted, RunError
from common.plugins import Registry, is_own
from common.progress import mute_stdout
from common.values import check_integer, check_path, integer, number, path, shown
from common.warning_lines import short_warnings

Config = TypeVar("Config")

# Packages that not every installation has (scripts/setup.sh --without-torch), and what brings them.
_TORCH = "`bash scripts/setup.sh` or `poetry install` brings it"
# How the words of a command line are read, in place of what Python itself takes for a number or a path.
READERS: dict[Any, Callable[[str], Any]] = {int: integer, float: number, Path: path}
LEFT_OUT = {"torch": _TORCH, "torchvision": _TORCH}
# Types of a dataclass's fields: working them out takes a hundred times as long as checking values.
_hints: Any = functools.cache(typing.get_type_hints)


def option(
    default: Any,
    help: str,
    *,
    unit: str = "",
    choices: Sequence[str] | Registry[Any] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    positional: bool = False,
    local: bool = False,
    grows: bool = False,
    empty: bool = False,
    also: Sequence[str] = (),
) -> Any:
    """A dataclass field that becomes a command-line option.

    Args:
        default: value where the user gives none; None means "not set".
        help: one line, lower case.
        unit: shown in the help, e.g. "V".
        choices: allowed words; those of a registry, and a user's own things as package.module:Name.
        low, high: smallest and largest allowed number (inclusive).
        above: the number must be larger than this.
        positional: an optional positional argument instead of a flag.
        local: no number of a finished epoch depends on it, so that a resumed run may change it.
        grows: local, but a resumed run may only raise it.
        empty: the flag may stand without a value, which means None, or for a tuple an empty one.
        also: further names that the flag has, e.g. "eta" for --eta.
    """
    words = choices if isinstance(choices, Registry) else tuple(choices)
    metadata = {"help": help, "unit": unit, "choices": words, "low": low, "high": high, "above": above}
    metadata |= {"positional": positional, "local": local or grows, "grows": grows, "empty": empty, "also": tuple(also)}
    return dataclasses.field(default=default, metadata=metadata)


class Parser(argparse.ArgumentParser):
    """argparse with one-line errors, no abbreviations, --a_b the same as --a-b, and READERS for int, float and Path."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_HelpFormatter, **keywords)
        self._negative_number_matcher = re.compile(r"-\.?\d")  # as from Python 3.14 on: -1e-3 is a number too
        for kind, reader in READERS.items():
            self.register("type", kind, spoken(reader))

    def error(self, message: str) -> NoReturn:
        """Print `error: ...` on one line of stderr and exit with 2."""
        self.exit(2, f"error: {' '.join(message.split())} (see {self.prog} --help)\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse, after hyphens have replaced the underscores in flags."""
        words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args([_hyphens(word) for word in words], namespace)


def spoken(reader: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of words that raises InputError as a `type` for argparse, which then says what the error says."""

    def convert(text: str) -> Any:
        try:
            return reader(text)
        except InputError as problem:
            raise argparse.ArgumentTypeError(str(problem)) from None

    return convert


def whole(low: int) -> Callable[[str], Any]:
    """A `type` for argparse: a whole number of `low` or more."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()) or (value := integer(text)) < low:
            raise InputError(f"{shown(text)} is not a whole number of {low} or more")
        return value

    return spoken(read)


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=32, width=min(110, _columns()))


def add_options(parser: argparse.ArgumentParser, config_type: type[Any], prefix: str = "") -> None:
    """Add one argument per field of the dataclass; nothing is set for those the user leaves out.

    A field of type tuple[X, ...] takes one or more words, or one word with commas. With a `prefix` the field batch_size
    is the option --<prefix>-batch-size and the parsed name <prefix>_batch_size: one group of settings among several.

    In --help every class of the inheritance has a group of its own, the most special one first, under the first line
    of its docstring.
    """
    hints = _hints(config_type)
    fields = {field.name: field for field in dataclasses.fields(config_type)}
    places = [f"[{name.upper()}]" for name, field in fields.items() if field.metadata["positional"]]
    if not prefix:  # naming forty options would hide what is needed
        parser.usage = " ".join(["%(prog)s", *places, "[options]"])
    for owner in config_type.__mro__:
        own = [fields.pop(name) for name in inspect.get_annotations(owner) if name in fields]
        title = (owner.__doc__ or "options").strip().splitlines()[0].rstrip(".")
        group = parser.add_argument_group(title) if own else None
        for field in own:
            names, keywords = _argument(field, hints[field.name], prefix)
            assert group is not None
            (parser if field.metadata["positional"] else group).add_argument(*names, **keywords)


def build(config_type: type[Config], values: dict[str, Any]) -> Config:
    """The config with the given values, checked as on the command line (notebooks and sweeps call this too).

    JSON and TOML files have lists and text where a field is a tuple or a path; these become one.

    Raises:
        InputError: an unknown name, a value outside its choices or range, or what the config's own check() refuses.
    """
    known = {field.name for field in dataclasses.fields(config_type)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(f"unknown setting {shown(unknown[0])}; known are {', '.join(sorted(known))}")
    hints = _hints(config_type)
    config = config_type(**{name: _as_field(hints[name], value) for name, value in values.items()})
    check(config)
    return config


def check(config: Any, prefix: str = "") -> None:
    """Raise InputError for the first value outside its type, choices or range, then call the config's own check().

    `prefix` is that of `add_options`, for the names of options in messages.
    """
    hints = _hints(type(config))
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.metadata and value is not None:
            _check_field(_flag(field, prefix), field.metadata, hints[field.name], value)
    if hasattr(config, "check"):
        config.check()


def refuse(config: Any, name: str, reason: str) -> None:
    """Raise InputError where an option that has no effect here was given another value than its default."""
    default = next(field.default for field in dataclasses.fields(config) if field.name == name)
    if getattr(config, name) != default:
        raise InputError(f"--{name.replace('_', '-')} {reason}")


def run_command(prog: str, work: Callable[[], int]) -> int:
    """Run the body of a command; expected failures become one line on stderr and the exit code that goes with them.

    So do warnings, without the exit code.
    """
    try:
        with short_warnings():
            return work()
    except InputError as problem:
        return _fail(f"error: {problem}", 2)
    except Interrupted as stop:
        return _fail(f"{prog}: {stop}", stop.exit_code)
    except KeyboardInterrupt:
        return _fail(f"{prog}: interrupted", 130)
    except RunError as problem:
        return _fail(f"error: {problem}", 1)
    except MemoryError as problem:
        return _fail(f"error: not enough memory {f'({problem})' if str(problem) else ''}", 1)
    except ModuleNotFoundError as problem:
        if problem.name not in LEFT_OUT:
            raise
        return _fail(f"error: {problem.name} is not installed; {LEFT_OUT[problem.name]}", 1)
    except BrokenPipeError:
        mute_stdout()
        return 141
    except OSError as problem:
        where = f" ({problem.filename})" if problem.filename else ""
        return _fail(f"error: {problem.strerror or problem}{where}", 1)


def _fail(line: str, code: int) -> int:
    print(" ".join(line.split()), file=sys.stderr)
    return code


def _argument(field: Any, hint: Any, prefix: str) -> tuple[list[str], dict[str, Any]]:
    meta, kind, flag = field.metadata, _value_type(hint), _flag(field, prefix)
    several = _is_tuple(hint)
    flags = [flag] + ["--" + name.replace("_", "-") for name in meta["also"] if not prefix]
    text = meta["help"].replace("%", "%%")
    unit = f" {meta['unit']}".rstrip()
    shown = "" if field.default in (None, "", ()) else f" (default: {_shown(field.default)}{unit})"
    keywords: dict[str, Any] = {"help": text + (shown or (f" [{unit.strip()}]" if unit else ""))}
    keywords["default"] = argparse.SUPPRESS
    if kind is bool:
        if field.default:
            return flags, {**keywords, "action": argparse.BooleanOptionalAction}
        return flags, {**keywords, "action": "store_true", "help": text}
    keywords["type"] = _converter(meta, kind)
    own = ["package.module:Name"] if isinstance(meta["choices"], Registry) else []
    keywords["metavar"] = "{" + ",".join([*meta["choices"], *own]) + "}" if meta["choices"] else _metavar(field, kind)
    if meta["positional"]:
        return [field.name], {**keywords, "nargs": "?"}
    keywords["dest"] = f"{prefix}_{field.name}" if prefix else field.name
    if several:
        words = {"nargs": "*" if meta["empty"] else "+", "action": _Words, "type": str, "const": _converter(meta, kind)}
        return flags, {**keywords, **words}
    if meta["empty"]:
        return flags, {**keywords, "nargs": "?"}
    return flags, keywords


class _Words(argparse.Action):
    """The words after a flag, each of which may hold several with commas between them, as one tuple."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        words = [word for value in values for word in value.split(",")]
        try:
            setattr(namespace, self.dest, tuple(self.const(word) for word in words))
        except argparse.ArgumentTypeError as problem:
            raise argparse.ArgumentError(self, str(problem)) from None


def _converter(meta: Any, kind: type) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        if text is argparse.SUPPRESS:  # argparse converts the default of a positional that is left out
            return text
        value = READERS.get(kind, kind)(text)
        _check_value("", meta, kind, value)
        return value

    return spoken(convert)


def _check_field(label: str, meta: Any, hint: Any, value: Any) -> None:
    if not _is_tuple(hint):
        return _check_value(label, meta, _value_type(hint), value)
    if not isinstance(value, tuple):
        raise InputError(f"argument {label}: {shown(value)} is not a tuple")
    for element in value:
        _check_value(label, meta, _value_type(hint), element)
    return None


def _check_value(label: str, meta: Any, kind: type, value: Any) -> None:
    prefix = f"argument {label}: " if label else ""
    if kind in (int, float) and (isinstance(value, bool) or not isinstance(value, (int, kind))):
        raise InputError(f"{prefix}{shown(value)} is not {'an integer' if kind is int else 'a number'}")
    if kind in (str, bool, Path) and not isinstance(value, kind):
        raise InputError(f"{prefix}{shown(value)} is not {'a path' if kind is Path else f'of type {kind.__name__}'}")
    _check_extent(prefix, value)
    _check_choice(prefix, meta["choices"], value)
    for bound, wrong, words in (
        ("low", operator.lt, "at least"),
        ("high", operator.gt, "at most"),
        ("above", operator.le, "above"),
    ):
        if meta[bound] is not None and wrong(value, meta[bound]):
            raise InputError(f"{prefix}{value:g} is out of range; it must be {words} {meta[bound]:g}")


def _check_choice(prefix: str, choices: Sequence[str] | Registry[Any], value: Any) -> None:
    if not choices:
        return
    if value not in choices:
        allowed = choices.allowed if isinstance(choices, Registry) else ", ".join(choices)
        raise InputError(f"{prefix}{shown(value)} is not one of {allowed}")
    if is_own(value) and isinstance(choices, Registry):  # ours are imported when they are needed
        try:
            choices.get(value)
        except InputError as problem:
            raise InputError(f"{prefix}{problem}") from None


def _check_extent(prefix: str, value: Any) -> None:
    """Whether it is a number that computers and a path that file systems have."""
    try:
        if isinstance(value, int):
            check_integer(value)
        elif isinstance(value, Path):
            check_path(value)
    except InputError as problem:
        raise InputError(f"{prefix}{problem}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{prefix}{value} is not a finite number")


def _as_field(hint: Any, value: Any) -> Any:
    """A value of a JSON or TOML file as the field has it, where that differs."""
    if isinstance(value, list) and _is_tuple(hint):
        return tuple(value)
    return Path(value) if isinstance(value, str) and _value_type(hint) is Path else value


def _value_type(hint: Any) -> type:
    """The type inside `X | None`, and inside a tuple of any length."""
    inner = _optional(hint)
    return typing.get_args(inner)[0] if _is_tuple(inner) else inner  # type: ignore[no-any-return]


def _is_tuple(hint: Any) -> bool:
    return typing.get_origin(_optional(hint)) is tuple


def _optional(hint: Any) -> Any:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _flag(field: Any, prefix: str = "") -> str:
    name = f"{prefix}_{field.name}" if prefix else str(field.name)
    return name.upper() if field.metadata.get("positional") else "--" + name.replace("_", "-")


def _metavar(field: Any, kind: type) -> str:
    if field.metadata["positional"]:
        return str(field.name).upper()
    return {int: "N", float: "X", Path: "PATH"}.get(kind, "TEXT")


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(_shown(element) for element in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _hyphens(word: str) -> str:
    if not word.startswith("--") or word == "--":
        return word
    flag, equals, value = word.partition("=")
    return "--" + flag[2:].replace("_", "-") + equals + value


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 100
    except ValueError:
        return 100
