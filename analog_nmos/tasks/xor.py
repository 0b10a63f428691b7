"""Exclusive or: the first task that a network without hidden nodes cannot learn.

The program behind the published figure: gate voltages and an order of the four samples for each epoch from one
generator, all transistors moved after every sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analog_nmos.chips.periphery import Reads, recorded
from analog_nmos.data.split import Data, Split
from analog_nmos.readouts import NearestLevel, Readout
from analog_nmos.tasks.base import Task, preset
from analog_nmos.topology import Topology
from analog_nmos.topology.torus import Torus
from analog_nmos.training.config import VOLT
from common.cli import option

TABLE = ((0, 0), (0, 1), (1, 0), (1, 1))
READ_SEED = 12_345


@dataclass(frozen=True, kw_only=True)
class Xor(Task):
    """exclusive or of two voltages, by the voltage between two nodes of a torus with hidden nodes"""

    word: ClassVar[str] = "xor"
    network_name: ClassVar[str] = "torus"
    inputs_beyond_rails: ClassVar[bool] = True
    keeps_outputs: ClassVar[bool] = True

    side: int = option(4, "rows, and columns, of the torus that is the network without --topology", low=4, high=1000)
    level: float = option(-0.087, "score that 01 and 10 aim at; that of 00 and 11 is 0", **VOLT)
    objective: str = preset(Task, "objective", "mse")
    delta: float = preset(Task, "delta", 0.5)
    gamma: float = preset(Task, "gamma", 0.3)
    epochs: int = preset(Task, "epochs", 10_000)
    input_vmax: float = preset(Task, "input_vmax", 0.45)
    vminus: float = preset(Task, "vminus", 0.11)
    vplus: float = preset(Task, "vplus", 0.33)
    body_res: float = preset(Task, "body_res", 0.0)
    rs_free: float = preset(Task, "rs_free", 1e12)
    rs_clamp: float = preset(Task, "rs_clamp", 1.0)
    vg_init_lo: float = preset(Task, "vg_init_lo", 0.5)
    vg_init_hi: float = preset(Task, "vg_init_hi", 3.0)

    def load(self) -> Data:
        """The truth table, on which it trains and is tested."""
        low_high_V = np.array([self.input_vmin, self.input_vmax])
        samples = Split(low_high_V[np.array(TABLE)], np.array([a ^ b for a, b in TABLE]))
        read = Readout(NearestLevel((0.0, self.level)), pairs=True)
        return Data(samples, samples, samples, ("0", "1"), self.name(), read=read)

    def network(self, data: Data) -> Topology:
        """A torus with the nodes of the published experiment."""
        return Torus(side=self.side).build()

    def reads(self) -> Reads:
        """As recorded: one stream by the run's seed, and all nodes in validation too."""
        generator = recorded(self.seed + READ_SEED, self.noise_seed)
        return Reads(generator, generator, generator, tests_all=True)

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        super().check()
        self.refuse("one_hot", "is for tasks with a score for each class; here --level is aimed at")
        if self.topology is not None:
            self.refuse("side", "is of the network that is built without --topology")
