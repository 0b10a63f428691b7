"""Which learning rules are compared at the same states: the run's own, and others in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analog_nmos.rules import QUANTITIES
from analog_nmos.rules.options import ADJOINT, COUPLED
from analog_nmos.training.config import TrainerConfig
from common.errors import InputError
from common.plugins import is_own

RUN, ALL = "run", "all"
CENTRED = "centred current"
# What comes after the rule, or is noise, and what no state depends on.
SILENT: dict[str, Any] = {
    "terms": "", "optimizer": "plain", "optimizer_options": "", "read_noise": "0", "gate_noise": 0.0
}  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """A learning rule.

    Attributes:
        name: in results.
        config: options of a run that would train with it, without noise, terms and optimizer.
    """

    name: str
    config: TrainerConfig

    @property
    def is_adjoint(self) -> bool:
        """Whether it is the gradient itself."""
        return self.config.rule == ADJOINT


def check_name(name: str) -> None:
    """Raise InputError unless this is run, all, or a quantity."""
    if name in (RUN, ALL):
        return
    try:
        QUANTITIES.get(name)
    except InputError as problem:
        known = "" if is_own(name) else f"; {RUN} and {ALL} are allowed, too"
        raise InputError(f"argument --rules: {problem}{known}") from None


def compared(names: Sequence[str], config: TrainerConfig) -> list[Compared]:
    """The rules of these names for a run, each once; the run's own first.

    A quantity gives two: NAME, positive with the nudge of the run, and "NAME centred current", both ways by currents of
    --nudge-conductance times the nudge. With `all` the run's own is left out if it is one of these.

    Args:
        names: as in `check_name`.
        config: of the run.
    """
    silent = replace(config, **SILENT)
    own = [Compared(RUN, silent)] if RUN in names else []
    quantities = [*QUANTITIES] if ALL in names else [name for name in names if name != RUN]
    others = [one for name in dict.fromkeys(quantities) for one in _both(name, silent)]
    if ALL in names and all(one.config != silent for one in others):
        own = [Compared(RUN, silent)]
    return [*own, *others]


def _both(name: str, config: TrainerConfig) -> list[Compared]:
    mode = "clamp" if config.rule == ADJOINT else config.nudge_mode
    positive = replace(config, rule=COUPLED, quantity=name, phases="positive", nudge_mode=mode)
    centred = replace(positive, phases="centred", nudge_mode="current")
    return [Compared(name, positive), Compared(f"{name} {CENTRED}", centred)]
