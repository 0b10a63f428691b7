"""Regression: a network that gives for one voltage another one, through eight published points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analog_nmos.chips.periphery import Reads, recorded
from analog_nmos.data.split import Data, Split
from analog_nmos.readouts import Readout, Value
from analog_nmos.tasks.base import Task, preset
from analog_nmos.topology import Topology
from analog_nmos.topology.torus import Torus

INPUT_V = (0.0005, 0.0628, 0.1251, 0.1873, 0.2479, 0.3118, 0.3724, 0.4347)
OUTPUT_V = (0.1088, 0.1472, 0.1872, 0.2256, 0.2649, 0.3041, 0.3041, 0.3041)
READ_SEED = 12_345


@dataclass(frozen=True, kw_only=True)
class Regression(Task):
    """a curve through eight points: one voltage in, one out, by a torus with hidden nodes"""

    word: ClassVar[str] = "regression"
    network_name: ClassVar[str] = "torus"
    keeps_outputs: ClassVar[bool] = True

    objective: str = preset(Task, "objective", "mse")
    delta: float = preset(Task, "delta", 1.0)
    gamma: float = preset(Task, "gamma", 0.4)
    epochs: int = preset(Task, "epochs", 25_000)
    order: str = preset(Task, "order", "fixed")
    body_res: float = preset(Task, "body_res", 0.0)
    rs_free: float = preset(Task, "rs_free", 1e12)
    rs_clamp: float = preset(Task, "rs_clamp", 1.0)
    vg_init: str = preset(Task, "vg_init", "fixed")
    vg_init_fixed: float = preset(Task, "vg_init_fixed", 3.0)

    def load(self) -> Data:
        """The points, on which it trains and is tested."""
        samples = Split(np.array(INPUT_V)[:, None], np.array(OUTPUT_V)[:, None])
        return Data(samples, samples, samples, (), self.name(), read=Readout(Value()))

    def network(self, data: Data) -> Topology:
        """The torus of side 4 with the nodes of the published experiment."""
        return Torus(side=4, negref=6, posref=8, inputs=(16,), outputs=(11,)).build()

    @property
    def full_scale_V(self) -> float:
        """See `TrainerConfig.full_scale_V`; inputs have no range of their own."""
        return self.vplus

    def reads(self) -> Reads:
        """As recorded: one stream by the run's seed; a free phase reads the output, and then all nodes."""
        generator = recorded(self.seed + READ_SEED, self.noise_seed)
        return Reads(generator, generator, generator, outputs_first=True)

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        super().check()
        self.refuse("one_hot", "is for tasks with a score for each class; here each point has its target")
        for name in ("input_vmin", "input_vmax"):
            self.refuse(name, "is no option of regression, whose points are in volts")
