"""The digits with a pair of outputs for each class, whose difference is the score."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips.periphery import Reads, recorded
from analog_nmos.data.split import Data
from analog_nmos.digits.options import DigitsOptions
from analog_nmos.readouts import Highest, Readout
from analog_nmos.tasks.base import Task, preset
from analog_nmos.topology import Topology, dense
from analog_nmos.training.config import GATE_HIGH_V, GATE_LOW_V

ORDER_SEED = 0
READ_SEEDS = (10_000, 20_000)
MANTISSA = 1 << 24  # numbers in [0, 1) that a float32 draw of torch can be


@dataclass(frozen=True, kw_only=True)
class DigitsPairs(DigitsOptions, Task):
    """8x8 digits, the score of a digit being the voltage between two outputs (1,280 transistors)"""

    word: ClassVar[str] = "digits-pairs"
    network_name: ClassVar[str] = "dense"

    nudge: float | None = preset(Task, "nudge", 1.0)
    gamma: float = preset(Task, "gamma", 1.0)
    epochs: int = preset(Task, "epochs", 15)
    backend: str = preset(Task, "backend", "native")
    body_tie: str = preset(Task, "body_tie", "drain")
    body_res: float = preset(Task, "body_res", 0.0)
    rs_clamp: float = preset(Task, "rs_clamp", 0.01)
    two_circuits: bool = preset(Task, "two_circuits", True)
    update_edges: str = preset(Task, "update_edges", "clamped")
    vg_init_lo: float = preset(Task, "vg_init_lo", 0.5)
    vg_init_hi: float = preset(Task, "vg_init_hi", 4.5)
    softmax_temp: float = preset(Task, "softmax_temp", 0.05)
    one_hot: float = preset(Task, "one_hot", 0.5)

    def load(self) -> Data:
        """See `DigitsOptions.load`."""
        return replace(super().load(), read=Readout(Highest(10), pairs=True))

    def network(self, data: Data) -> Topology:
        """Every pixel joined to every output: the positive ones of all digits, then the negative ones."""
        return dense(data.n_inputs, data.n_outputs)

    def initial_gates(self, rng: np.random.RandomState, edges: int) -> NDArray[np.float64]:
        """As the recorded runs drew them: torch.rand with a generator of the run's seed, in single precision."""
        if self.vg_init != "random":
            return super().initial_gates(rng, edges)
        # torch keeps the lower 24 bits of each number of the Mersenne Twister, seeded as NumPy's.
        draws = rng.randint(0, 1 << 32, edges, np.uint32) & np.uint32(MANTISSA - 1)
        uniform = draws.astype(np.float32) / np.float32(MANTISSA)
        middle, half = (np.float32((self.vg_init_hi + sign * self.vg_init_lo) / 2) for sign in (1, -1))
        gate_V = middle + half * (np.float32(2) * uniform - np.float32(1))
        return gate_V.clip(GATE_LOW_V, GATE_HIGH_V).astype(np.float64)

    def reads(self) -> Reads:
        """As recorded: one stream for the first circuit, validation included, and one for the second."""
        first, second = (recorded(seed, self.noise_seed) for seed in READ_SEEDS)
        return Reads(first, second, first)

    def epoch_order(self, rng: np.random.RandomState, epoch: int, samples: int) -> NDArray[np.int64]:
        """The recorded runs have the same orders whatever their seed."""
        if self.order == "fixed":
            return super().epoch_order(rng, epoch, samples)
        generator = np.random.default_rng(ORDER_SEED)
        for _ in range(epoch):
            order = generator.permutation(samples)
        return order
