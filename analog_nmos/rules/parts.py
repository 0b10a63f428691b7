"""From options to the parts of a learning rule."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from analog_nmos.rules import OPTIMIZERS
from common.named_values import numbers_of

if TYPE_CHECKING:
    from analog_nmos.rules.optimizer import Optimizer
    from analog_nmos.rules.options import RuleOptions


def optimizer_of(options: RuleOptions) -> Optimizer:
    """The optimizer, with its numbers.

    Raises:
        InputError: there is none of this name, or a number is missing or out of range.
    """
    kind = OPTIMIZERS.get(options.optimizer)
    names = [field.name for field in dataclasses.fields(kind)]
    values = numbers_of("--optimizer-options", options.optimizer_options, kind, names, f"optimizer {kind.__name__}")
    return kind(**values)
