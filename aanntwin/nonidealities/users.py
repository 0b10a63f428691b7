"""A user's own nonidealities, named in options as package.module:Name=LEVEL."""

from __future__ import annotations

import hashlib
import inspect
import math
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aanntwin.nonidealities.base import SITES, Nonideality
from common.errors import InputError
from common.plugins import Registry, is_own
from common.values import number as finite
from common.values import shown

OWN: Registry[type[Nonideality]] = Registry("nonideality", Nonideality, {})
_BOUNDS = (("low", operator.lt, "at least"), ("high", operator.gt, "at most"), ("above", operator.le, "above"))


def split(word: str) -> tuple[str, str]:
    """package.module:Name and the text of the level."""
    name, _, level = word.partition("=")
    return name, level


def join(name: str, level: float) -> str:
    """The inverse of `split`."""
    return f"{name}={float(level)!r}"


def canonical(word: Any) -> Any:
    """The text with its number in canonical form, so that 0.1 and .10 are equal; `check` refuses a malformed one."""
    if not isinstance(word, str):
        return word
    name, level = split(word)
    try:
        return join(name, finite(level))
    except InputError:
        return word


def kind_of(word: str) -> type[Nonideality]:
    """The class that package.module:Name=LEVEL names; errors as `Registry.get`."""
    return OWN.get(split(word)[0])


def make(word: str) -> Nonideality:
    """The nonideality with its level."""
    name, level = split(word)
    kind = OWN.get(name)
    return kind(kind.as_level(float(level)), name)


def check(given: Sequence[str]) -> None:
    """Raise InputError where one is malformed, is not a usable nonideality, or has a level out of range."""
    names = [split(word)[0] for word in given]
    for word in given:
        name, text = split(word)
        if not is_own(name) or not text:
            raise InputError(f"own {shown(word)} is not of the form package.module:Name=X")
        if names.count(name) > 1:
            raise InputError(f"own {name} is given {names.count(name)} times, allowed: once")
        level = finite(text)
        kind = OWN.get(name)
        if inspect.isabstract(kind) or not isinstance(kind, type):
            raise InputError(f"own {name}: has no method apply, or is not a class")
        _check_sites(name, kind)
        for bound, wrong, allowed in _BOUNDS:
            limit = getattr(kind, bound)
            if not math.isfinite(level) or (limit is not None and wrong(level, limit)):
                raise InputError(f"own {name}: {text} is out of range; it must be {allowed} {limit:g}")


def _check_sites(name: str, kind: type[Nonideality]) -> None:
    sites = getattr(kind, "sites", ())
    if not sites or isinstance(sites, str) or not set(sites) <= set(SITES):
        raise InputError(f"own {name}: its sites are {sites!r}, allowed: a tuple of {', '.join(SITES)}")


def digest(word: str) -> str:
    """Hash of the file that defines the class: the cache's key changes when the file does."""
    file = inspect.getsourcefile(kind_of(word))
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16] if file else ""
