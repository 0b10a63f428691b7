"""From options to the parts of a learning rule."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from analog_nmos.rules import OPTIMIZERS
from common.named_values import numbers_of

if TYPE_CHECKING:
    from analog_nmos.rules.optimizer import Optimizer


def optimizer_of(name: str, numbers: str) -> Optimizer:
    """The optimizer of that name, with its numbers, as --optimizer-options has them.

    Raises:
        InputError: there is none of this name, or a number is missing or out of range.
    """
    kind = OPTIMIZERS.get(name)
    names = [field.name for field in dataclasses.fields(kind)]
    values = numbers_of("--optimizer-options", numbers, kind, names, f"optimizer {kind.__name__}")
    return kind(**values)
