"""From a trainer's options to the hyperparameters of its objective."""

from __future__ import annotations

import dataclasses
from typing import Any

from analog_nmos.objectives import OBJECTIVES
from analog_nmos.objectives.base import Objective
from common.errors import InputError
from common.named_values import numbers_of

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
    own = [field.name for field in known if getattr(config, field.name, None) is None]
    text = getattr(config, "objective_options", "")
    values = numbers_of(OPTION, text, kind, own, f"objective {kind.__name__}")
    return {field.name: values[field.name] if field.name in own else getattr(config, field.name) for field in known}
