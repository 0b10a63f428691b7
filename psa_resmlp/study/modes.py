"""The six modes of the study: three baselines, and three that damage a neuron between training rounds.

| mode | what a training round has | what is damaged before the next one |
| --- | --- | --- |
| none, decay, dropout | nothing; weight decay; dropout | nothing |
| full | nothing | a neuron of any linear layer: its incoming row and its bias |
| hidden | nothing | a hidden neuron: row, bias, and its column in the next linear layer |
| output | nothing | one of the ten outputs: row and bias |
"""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import InputError
from psa_resmlp.study.architectures import FAMILIES


@dataclass(frozen=True)
class Mode:
    """One mode.

    Attributes:
        name: as options and run folders have it.
        title: as tables and figures have it.
        ablates: whether a neuron is damaged between rounds.
        clears_column: whether the damage also cuts the neuron's outgoing weights.
        by_layer: whether a layer is drawn first and then a neuron of it; otherwise every neuron is equally likely.
    """

    name: str
    title: str
    ablates: bool = False
    clears_column: bool = False
    by_layer: bool = False

    def targets(self, family: str, linears: int, entry: bool = True) -> range:
        """Positions, in the order of the signal, of the linear layers whose neurons may be damaged.

        Args:
            family: resmlp or mlp.
            linears: number of linear layers, the output included.
            entry: whether resmlp has a layer before its blocks.

        Raises:
            InputError: unknown family.
        """
        if family not in FAMILIES:
            raise InputError(f"family is {family!r}, allowed: {', '.join(FAMILIES)}")
        if not self.ablates:
            return range(0)
        if self.name == "full":
            return range(linears)
        if self.name == "output":
            return range(linears - 1, linears)
        # The plain MLP's input layer counts as hidden; in ResMLP it only brings the image to the width of the blocks.
        return range(0 if family == "mlp" or not entry else 1, linears - 1)


MODES = (
    Mode("none", "None"),
    Mode("decay", "Decay"),
    Mode("dropout", "Dropout"),
    Mode("full", "Full", ablates=True, by_layer=True),
    Mode("hidden", "Hidden", ablates=True, clears_column=True),
    Mode("output", "Output", ablates=True, by_layer=True),
)
MODE_NAMES = tuple(mode.name for mode in MODES)
MODE_TITLES = {mode.name: mode.title for mode in MODES}
BASELINE_MODES = tuple(mode.name for mode in MODES if not mode.ablates)
ABLATIVE_MODES = tuple(mode.name for mode in MODES if mode.ablates)


def get_mode(name: str) -> Mode:
    """The mode of that name.

    Raises:
        InputError: there is none.
    """
    for mode in MODES:
        if mode.name == name:
            return mode
    raise InputError(f"ablation mode is {name!r}, allowed: {', '.join(MODE_NAMES)}")
