"""From a trainer's options to the hyperparameters of its objective."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

from analog_nmos.objectives import OBJECTIVES
from analog_nmos.objectives.base import Objective
from common.cli import build
from common.errors import InputError
from common.values import number, shown

OPTION = "--objective-options"


def objective_class(name: str) -> type[Objective]:
    """The objective of that name.

    Raises:
        InputError: there is none, or its loss_name cannot be part of a file name.
    """
    kind = OBJECTIVES.get(name)
    loss = getattr(kind, "loss_name", None)
    if not isinstance(loss, str) or not loss.isidentifier() or loss == "acc" or not hasattr(kind, "loss_label"):
        raise InputError(
            f"objective {name}: needs a loss_name, such as hinge, and a loss_label, such as hinge loss (V)"
        )
    return kind


def hyperparameters(kind: type[Objective], config: Any) -> dict[str, float]:
    """The hyperparameters of an objective by name: options of the trainer, and those in --objective-options.

    An option of the trainer that is None leaves its hyperparameter to the objective.

    Args:
        kind: the objective.
        config: the trainer's options; its `objective_options`, if it has them, are text such as "power=2".

    Raises:
        InputError: a hyperparameter has no value or one outside its range, or the objective does not have it.
    """
    known = dataclasses.fields(kind)
    own = [field for field in known if getattr(config, field.name, None) is None]
    values = _own(kind, own, getattr(config, "objective_options", ""))
    return {field.name: values[field.name] if field in own else getattr(config, field.name) for field in known}


def _own(kind: type[Objective], own: list[Any], text: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if not equals:
            raise InputError(f"{OPTION}: {shown(word)} is not NAME=VALUE")
        try:
            given[name] = number(value)
        except InputError as problem:
            raise InputError(f"{OPTION}: {name}: {problem}") from None
    for field in own:
        if field.default is dataclasses.MISSING and field.name not in given:
            raise InputError(f"objective {kind.__name__}: {OPTION} {field.name}=VALUE is missing")
    try:
        return dataclasses.asdict(build(_options(kind, tuple(field.name for field in own)), given))
    except InputError as problem:
        raise InputError(f"{OPTION}: {str(problem).removeprefix('argument --')}") from None


@functools.cache
def _options(kind: type[Objective], names: tuple[str, ...]) -> type[Any]:
    """Some hyperparameters of an objective as a dataclass of options."""
    own = [field for field in dataclasses.fields(kind) if field.name in names]
    parts = [(field.name, float, dataclasses.field(default=field.default, metadata=field.metadata)) for field in own]
    return dataclasses.make_dataclass("Options", parts, frozen=True, kw_only=True)
