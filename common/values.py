"""Integers, numbers and paths as users write them, on a command line or in a file of settings.

Python accepts more than people write: 1_000, digits of other scripts, integers of any length. Here an integer has plain
digits and fits into 64 bits, any other number is finite, and a path is one that a file can have.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

from common.errors import InputError

_INTEGER = re.compile(r"[+-]?[0-9]+")
NAME_BYTES, PATH_BYTES = 255, 4095  # of Linux and macOS


def integer(text: str) -> int:
    """The integer that a text stands for.

    Raises:
        InputError: it is no integer, or none of 64 bits. The other functions here raise it likewise.
    """
    word = text.strip()
    if not _INTEGER.fullmatch(word):
        raise InputError(f"{shown(text)} is not an integer")
    if len(word.lstrip("+-0")) > 19:  # Python refuses to convert thousands of digits
        raise InputError(f"{shorten(word)} does not fit into 64 bits")
    return check_integer(int(word))


def number(text: str) -> float:
    """The finite number that a text stands for."""
    try:
        value = float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        value = None
    if value is None:
        raise InputError(f"{shown(text)} is not a number")
    if not math.isfinite(value):
        raise InputError(f"{shorten(text)} is not a finite number")
    return value


def path(text: str) -> Path:
    """The path that a text stands for."""
    return check_path(Path(text))


def check_integer(value: int) -> int:
    """The same integer, if it fits into 64 bits."""
    if not -(2**63) <= value < 2**63:
        raise InputError(f"{shown(value)} does not fit into 64 bits")
    return value


def check_path(value: Path) -> Path:
    """The same path, if a file can have it."""
    try:
        lengths = [len(os.fsencode(part)) for part in value.parts]
    except UnicodeEncodeError:
        raise InputError(f"{shown(str(value))} cannot be the name of a file") from None
    if "\0" in str(value):
        raise InputError(f"{shown(str(value))} has a null character, which no name of a file has")
    if max(lengths, default=0) > NAME_BYTES or sum(lengths) + len(lengths) > PATH_BYTES:
        limits = f"a name has at most {NAME_BYTES} bytes, a path {PATH_BYTES}"
        raise InputError(f"{shorten(value)} is too long: {limits}")
    return value


def shorten(text: str | Path) -> str:
    """A text that fits on a line, without its middle if it is long."""
    text = str(text)
    return text if len(text) <= 200 else f"{text[:80]}...{text[-80:]}"


def shown(value: Any) -> str:
    """Any value as Python writes it, short enough for a message."""
    try:
        return shorten(repr(value))
    except ValueError:  # Python writes no numbers of thousands of digits
        return f"a number of {value.bit_length()} bits" if isinstance(value, int) else f"a {type(value).__name__}"
    except RecursionError:
        return f"a deeply nested {type(value).__name__}"
