"""From axes to runs: the nested product in the published order, with names that say the settings."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from common.cli import build
from common.plugins import Registry, label
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis, product, show


def make_specs(
    axes: Sequence[Axis],
    config: type[Any],
    name_of: Callable[[Mapping[str, Any]], str],
    named: Sequence[str],
    *,
    shuffle_seed: int | None = None,
    group_of: Callable[[Any], str] = lambda config: "",
) -> list[RunSpec]:
    """The runs of a grid.

    Args:
        axes: with the values chosen; the last one runs fastest.
        config: the dataclass of the experiment's options; every run is checked against it.
        name_of: the published name for the values by axis; of package.module:Name it gets the Name.
        named: the axes that are part of that name. Another one with several values is added to it.
        shuffle_seed: order them by `random.seed(n); random.shuffle`; None keeps the nested order.
        group_of: the group word of a configuration; see `RunSpec`.

    Raises:
        InputError: a value is out of its range, or two settings contradict each other.
    """
    extra = [axis.name for axis in axes if axis.name not in named and len(axis.values) > 1]
    choices = {field.name: field.metadata.get("choices") for field in fields(config)}
    found = []
    for labels, settings in product(axes):
        short = {axis: _short(value, choices.get(axis)) for axis, value in labels.items()}
        name = "_".join([name_of(short), *(f"{axis}{safe(short[axis])}" for axis in extra)])
        found.append((name, labels, settings, group_of(build(config, settings))))
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(found)
    return [
        RunSpec(index, name, settings, labels, group) for index, (name, labels, settings, group) in enumerate(found)
    ]


def _short(value: Any, choices: Any) -> Any:
    """A value as names have it: of a user's own thing, which may be anywhere, its name alone."""
    return label(value) if isinstance(choices, Registry) and isinstance(value, str) else value


def safe(value: Any) -> str:
    """A value as part of a folder's name; of a path its last part, without the ending."""
    text = show(value)
    if "/" in text:
        text = text.rpartition("/")[2].rpartition(".")[0]
    return re.sub(r"[^\w.+-]", "-", text)
