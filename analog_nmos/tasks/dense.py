"""Tasks whose network is dense unless --topology names another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analog_nmos.data.scale import complemented
from analog_nmos.data.split import Data
from analog_nmos.tasks.base import Task, preset
from analog_nmos.topology import Topology, dense
from common.cli import option


@dataclass(frozen=True, kw_only=True)
class DenseTask(Task):
    """Inputs, network without --topology, and defaults of tasks with such a network"""

    network_name: ClassVar[str] = "dense"
    ties_by_loss: ClassVar[bool] = True  # a small validation part has many

    complement: bool = option(
        True, "give each feature x to a second input, too, as input_vmin + input_vmax - x: behind all others"
    )
    bias: bool = option(True, "two inputs more, behind all others, that stay at input_vmin and at input_vmax")
    copies: int = option(1, "transistors from each input to each output", low=1)
    gamma: float = preset(Task, "gamma", 1.0)
    margin: float = preset(Task, "margin", 0.05)
    vg_init: str = preset(Task, "vg_init", "fixed")
    vg_init_fixed: float = preset(Task, "vg_init_fixed", 4.0)
    final_test: bool = preset(Task, "final_test", True)

    def network(self, data: Data) -> Topology:
        """Every input joined to every output."""
        return dense(data.n_inputs, data.n_outputs, self.copies)

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        super().check()
        if self.topology is not None:
            self.refuse("copies", "is of the network that is built without --topology")

    def inputs_V(self, x_V: NDArray[np.float64]) -> NDArray[np.float64]:
        """Input voltages (samples, inputs) of features in volts (samples, features)."""
        both = self.input_vmin, self.input_vmax
        x_V = complemented(x_V, *both) if self.complement else x_V
        return np.concatenate([x_V, np.tile(both, (len(x_V), 1))], axis=1) if self.bias else x_V
