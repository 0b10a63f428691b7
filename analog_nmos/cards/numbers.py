"""Numbers of SPICE (1.5k, 50u, 0.8V), parameters by name, and the words of a line that hold them."""

from __future__ import annotations

import math
import re

from common.errors import InputError

_SCALE = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_SCALE |= {"f": 1e-15}
_DIGITS = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_NUMBER = re.compile(rf"({_DIGITS})([a-z]*)", re.IGNORECASE)
_ATTO = re.compile(rf"(?<![\w.]){_DIGITS}a[a-z]*(?![\w.])", re.IGNORECASE)
_WORD = re.compile(r"\{[^}]*\}?|'[^']*'?|\"[^\"]*\"?|[^\s=(),{'\"]+")
_STRAY = re.compile(r"=\s*(?:[=),]|$)|=[^\s=(),]*=")
_NAME = re.compile(r"[a-z_]\w*", re.IGNORECASE)


def words(line: str) -> list[str]:
    """The words of a line, for which blanks, commas, equals signs and round brackets are all the same."""
    return _WORD.findall(line)


def stray_equals(line: str) -> bool:
    """Whether an equals sign has no name before it or no value after it."""
    return _STRAY.search(line) is not None


def check_suffixes(lines: list[str]) -> None:
    """Raise InputError for a number with suffix a (1e-5A), which is atto in ngspice 42 and nothing in 39."""
    for line in lines:
        if line.lower().startswith((".model", ".param", ".subckt", "m")) and (found := _ATTO.search(line)):
            raise InputError(f"versions of ngspice differ on the suffix of {found[0]}; leave the unit out")


def number(word: str, known: dict[str, float], line: str = ".model") -> float | None:
    """The value of a number or a parameter's name, None if it is neither.

    Letters after the scale factor are a unit: 800mV is 0.8. The micro sign is u, as ngspice has it. In a .model line
    names need braces or quotes; in those and in .param lines ngspice takes mil for milli, so it is not read there.
    """
    braced = word[:1] + word[-1:] in ("{}", "''", '""')
    inner = word[1:-1].strip() if braced else word
    match = _NUMBER.fullmatch(inner.replace("\u00b5", "u"))
    if not match:
        return known.get(inner.lower()) if braced or line != ".model" else None
    unit = match[2].lower()
    if unit.startswith("mil") and (braced or line == ".param"):
        return None
    scale = next((_SCALE[key] for key in ("meg", "mil") if unit.startswith(key)), _SCALE.get(unit[:1], 1.0))
    value = float(match[1]) * scale
    return value if math.isfinite(value) else None


def assignments(
    pairs: list[str], known: dict[str, float], problems: list[str], line: str = ".model"
) -> dict[str, float]:
    """Names in lower case with their values, of which the last one counts; other words are added to `problems`.

    Args:
        pairs: words, names and values in turn.
        known: values of parameters by lower-case name.
        problems: to add to.
        line: what the words come from, .model, .param or M.
    """
    values: dict[str, float] = {}
    index = 0
    while index < len(pairs):
        name, word = pairs[index], pairs[index + 1] if index + 1 < len(pairs) else ""
        earlier = known | values if line == ".param" else known
        value = number(word, earlier, line) if _NAME.fullmatch(name) else None
        if value is not None:
            values[name.lower()] = value
            index += 2
            continue
        paired = _NAME.fullmatch(name) and word and not _NAME.fullmatch(word)
        problems.append(repr(f"{name}={word}" if paired else name))
        index += 2 if paired else 1
    return values
