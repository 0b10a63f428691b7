"""The modes of the study: three baselines, and three that damage a neuron between training rounds.

| mode | what a training round has | what is damaged before the next one |
| --- | --- | --- |
| none, decay, dropout | nothing; weight decay; dropout | nothing |
| full | nothing | a neuron of any linear layer: its incoming row and its bias |
| hidden | nothing | a hidden neuron: row, bias, and its column in the next linear layer |
| output | nothing | one of the ten outputs: row and bias |

Your own mode is a subclass of `Mode` in a module of yours, named as --ablation-mode package.module:Name, in sweeps too;
docs/extending.md has an example.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.errors import InputError
from common.plugins import Registry, label
from psa_resmlp.study.architectures import ARCHITECTURES, Architecture

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor


@dataclass(frozen=True)
class Neuron:
    """A neuron that is damaged: the position of its linear layer in the order of the signal, and its number; from 0."""

    layer: int
    number: int


class Mode:
    """One mode: what happens in and between training rounds, and how tables and figures show it.

    Without `targets` it is a baseline, which damages nothing.

    Args:
        name: its name in options and run_meta.json.

    Attributes:
        title: in tables and figures; by default the class's name.
        short: a few letters for the cells of heat maps; by default the first two of the title.
        color: in heat maps and of its line in convergence plots, as #RRGGBB.
        decays: whether --weight-decay acts in it.
        drops: whether --dropout acts in it.
        by_layer: whether first a layer is drawn and then a neuron of it; otherwise every neuron is equally likely.
        clears_column: whether damage sets the neuron's outgoing weights to 0 too.
    """

    title = ""
    short = ""
    color = "#56B4E9"
    decays = False
    drops = False
    by_layer = False
    clears_column = False

    def __init__(self, name: str) -> None:
        self.name, self.label = name, label(name)
        self.title = self.title or self.label
        self.short = self.short or self.title[:2]

    def targets(self, architecture: Architecture, family: str) -> Sequence[int]:
        """Positions of the linear layers whose neurons may be damaged; `architecture.linears(family)` has them all."""
        return ()

    def draw(self, architecture: Architecture, family: str, rng: np.random.Generator) -> Neuron | None:
        """Draw a neuron of the targets; None: nothing is damaged this time."""
        widths = damageable(self, architecture, family)
        if not widths:
            return None
        if self.by_layer:
            layer = list(widths)[int(rng.integers(len(widths)))]
            return Neuron(layer, int(rng.integers(widths[layer])))
        place = int(rng.integers(sum(widths.values())))
        for layer, width in widths.items():
            if place < width:
                return Neuron(layer, place)
            place -= width
        raise AssertionError("a place beyond the last neuron")

    def damage(self, parameters: Mapping[str, Tensor], neuron: Neuron, rng: np.random.Generator) -> None:
        """Damage a copy of the best network, in place: here, the neuron's row and bias become 0, or its column too.

        It is called once for each network, also where several train side by side. The call is repeated when a
        checkpoint is written or read and must then do the same: anything random in it must come from `rng`.

        Args:
            parameters: linears.<k>.weight of shape (outputs, inputs) and linears.<k>.bias of shape (outputs,) of one
                network, float32, on the device of the training.
            neuron: the neuron that `draw` returned.
            rng: random numbers that are the same in every such call.
        """
        parameters[f"linears.{neuron.layer}.weight"][neuron.number].zero_()
        parameters[f"linears.{neuron.layer}.bias"][neuron.number].zero_()
        if self.clears_column:
            parameters[f"linears.{neuron.layer + 1}.weight"][:, neuron.number].zero_()


class Nothing(Mode):
    """Nothing but training."""

    title, short, color = "None", "No", "#8C8C8C"


class Decay(Mode):
    """Weight decay."""

    title, short, color = "Decay", "De", "#E69F00"
    decays = True


class Dropout(Mode):
    """Dropout."""

    title, short, color = "Dropout", "Dr", "#D55E00"
    drops = True


class Full(Mode):
    """A neuron of a random linear layer, which may be the output."""

    title, short, color = "Full", "Fu", "#0072B2"
    by_layer = True

    def targets(self, architecture: Architecture, family: str) -> Sequence[int]:
        """All."""
        return range(len(architecture.linears(family)))


class Hidden(Mode):
    """A random hidden neuron, with its outgoing weights."""

    title, short, color = "Hidden", "Hi", "#009E73"
    clears_column = True

    def targets(self, architecture: Architecture, family: str) -> Sequence[int]:
        """All but the last and, in resmlp, the one that maps the image to the width of the blocks."""
        return range(int(architecture.has_entry(family)), len(architecture.linears(family)) - 1)


class Output(Mode):
    """One of the ten outputs."""

    title, short, color = "Output", "Ou", "#CC79A7"
    by_layer = True

    def targets(self, architecture: Architecture, family: str) -> Sequence[int]:
        """The last."""
        return (len(architecture.linears(family)) - 1,)


MODES: Registry[type[Mode]] = Registry(
    "ablation mode",
    Mode,
    {"none": Nothing, "decay": Decay, "dropout": Dropout, "full": Full, "hidden": Hidden, "output": Output},
)
MODE_NAMES = tuple(MODES)


@functools.cache
def get_mode(name: str) -> Mode:
    """The mode of that name.

    Raises:
        InputError: there is none.
    """
    found = MODES.get(name)
    if not isinstance(found, type):
        raise InputError(f"ablation mode {name}: is an object; name its class")
    return found(name)


def damageable(mode: Mode, architecture: Architecture, family: str) -> dict[int, int]:
    """Linear layers whose neurons the mode may damage: position -> number of neurons."""
    linears = architecture.linears(family)
    return {layer: linears[layer][1] for layer in mode.targets(architecture, family)}


def in_order(names: Iterable[str]) -> list[str]:
    """Modes in the study's order, each once, followed by other modes in the order given."""
    found = dict.fromkeys(names)
    return [*(name for name in MODE_NAMES if name in found), *(name for name in found if name not in MODE_NAMES)]


def with_study(names: Iterable[str]) -> list[str]:
    """All modes of the study, followed by the other ones in `names`: the columns of a table."""
    return in_order([*MODE_NAMES, *names])


def _of_study(*, damaging: bool) -> tuple[str, ...]:
    one = ARCHITECTURES[0]
    return tuple(name for name in MODE_NAMES if bool(get_mode(name).targets(one, "resmlp")) == damaging)


BASELINE_MODES, ABLATIVE_MODES = _of_study(damaging=False), _of_study(damaging=True)
