"""Styles of fields in figures: the label and colour of their records, or the Name of fields that cannot be loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from common.errors import InputError
from common.figure_style import COLORS
from magnetoionic.devices.fields import FIELDS, find_field
from magnetoionic.figures.table import without_module


@dataclass(frozen=True)
class Style:
    """The style of a field.

    Attributes:
        label: in legends.
        color: a color of matplotlib.
    """

    label: str
    color: str


def styles(fields: Iterable[str], warn: Callable[[str], None] = lambda line: None) -> dict[str, Style]:
    """A style for each field of a table (`magnetoionic.figures.table`), no two of one colour while there are enough.

    Args:
        fields: names in --field; those of a switch joined by "+", measured devices with their file.
        warn: called with a line about a user's own field that cannot be loaded, so that its style is unknown.

    Raises:
        InputError: a field's colour is not one of matplotlib's.
    """
    found: dict[str, Style] = {}
    wanted = {field: _wanted(field, warn) for field in fields}
    taken = {style.color for style in wanted.values() if style.color}
    free = [color for color in COLORS if color not in taken] or list(COLORS)
    used: set[str] = set()
    for field, style in wanted.items():
        color = style.color if style.color and style.color not in used else free[0]
        if color == free[0]:
            free.append(free.pop(0))
        used.add(color)
        found[field] = Style(style.label, color)
    return found


def _wanted(field: str, warn: Callable[[str], None]) -> Style:
    if field not in FIELDS:
        return Style(without_module(field), "")
    try:
        record = find_field(field)
    except InputError as problem:
        warn(f"warning: {problem}; drawn without its label and colour")
        return Style(without_module(field), "")
    return Style(record.label or field, _checked(field, record.color))


def _checked(field: str, color: str) -> str:
    from matplotlib.colors import is_color_like

    if color and not is_color_like(color):
        raise InputError(f"field {field}: its color {color!r} is not one of matplotlib's")
    return color
