"""From axes to runs: the nested product in the published order, with names that say the settings."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.cli import build
from common.sweeps.axes import Axis, product, show
from common.sweeps.spec import RunSpec


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
        name_of: the published name for the values by axis.
        named: the axes that are part of that name. Another one with several values is added to it.
        shuffle_seed: order them by `random.seed(n); random.shuffle`; None keeps the nested order.
        group_of: the group word of a configuration; see `RunSpec`.

    Raises:
        InputError: a value is out of its range, or two settings contradict each other.
    """
    extra = [axis.name for axis in axes if axis.name not in named and len(axis.values) > 1]
    found = []
    for labels, settings in product(axes):
        name = "_".join([name_of(labels), *(f"{axis}{safe(labels[axis])}" for axis in extra)])
        found.append((name, labels, settings, group_of(build(config, settings))))
    if shuffle_seed is not None:
        random.Random(shuffle_seed).shuffle(found)
    return [
        RunSpec(index, name, settings, labels, group) for index, (name, labels, settings, group) in enumerate(found)
    ]


def safe(value: Any) -> str:
    """A value as part of a folder's name; of a path its last part, without the ending."""
    text = show(value)
    if "/" in text:
        text = text.rpartition("/")[2].rpartition(".")[0]
    return re.sub(r"[^\w.+-]", "-", text)
