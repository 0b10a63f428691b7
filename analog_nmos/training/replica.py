"""A replica: one training run's state in memory. Replicas advance side by side and never touch each other's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips import Chip
from analog_nmos.chips.periphery import Periphery
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.data.split import Data
from analog_nmos.topology import Topology
from analog_nmos.training.config import GATE_HIGH_V, GATE_LOW_V, TrainerConfig
from analog_nmos.training.damage_plan import DamagePlan

FloatArray = NDArray[np.float64]
# In a replica's memory: which edges do not learn any more, what damage it has had (`damage.strikes`, as JSON), and what
# the optimizer of its learning rule remembers of each edge (memories, edges).
STUCK, DAMAGE, RULE = "stuck", "damage", "rule"


@dataclass(eq=False)
class Replica:
    """Settings, data and the changing state of one run.

    Attributes:
        rng: the run's only source of random numbers: the gate initialisation, then one shuffle an epoch.
        start: the topology that the run began with.
        topology: what pruning has left of it.
        gate_V: trainable gate voltages, shape (edges,), in volts; a running epoch changes a copy.
        edge_uid: for each edge its number in `start`, shape (edges,).
        epoch: epochs done.
        histories: lists by their names in the run folder, e.g. train_acc, val_acc.
        periphery: how its chip is written, read and updated.
        chip: how its transistors differ from the card, before --chip-scale, for each edge of `start`; None where they
            do not.
        damage: what is to break; None for nothing.
        memory: further arrays that a trainer carries from epoch to epoch, by name.
        sign: -1 where its transistors are PMOS: a lower gate voltage opens them.
    """

    config: TrainerConfig
    data: Data
    start: Topology
    topology: Topology
    rng: np.random.RandomState
    gate_V: FloatArray
    edge_uid: NDArray[np.int64]
    periphery: Periphery
    chip: Chip | None = None
    damage: DamagePlan | None = None
    epoch: int = 0
    histories: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, NDArray[Any]] = field(default_factory=dict)
    sign: float = 1.0

    @property
    def gate_range_V(self) -> tuple[float, float]:
        """To which gate voltages updates are clipped."""
        return self.periphery.gate_low_V, self.periphery.gate_high_V

    @property
    def deviations(self) -> tuple[Deviations | None, Deviations | None]:
        """Of the transistors that are left, in the circuit that is solved free and in that which is clamped."""
        if self.chip is None:
            return None, None
        chip = self.chip.scaled(self.config.chip_scale)
        return chip.free().keep(self.edge_uid), chip.clamp().keep(self.edge_uid)

    @property
    def stuck(self) -> NDArray[np.bool_]:
        """Which edges (edges,) do not learn any more."""
        found: NDArray[np.bool_] = self.memory.get(STUCK, np.zeros(self.gate_V.size, bool))
        return found

    def take(self, gate_V: FloatArray, edge_uid: NDArray[np.int64]) -> None:
        """Go on with these edges of `start` alone, and their gate voltages in volts; both (edges,)."""
        self.gate_V, self.edge_uid = gate_V, edge_uid
        self.topology = self.start if edge_uid.size == self.start.n_edges else self.start.keep(edge_uid)
        self.periphery.select(edge_uid)

    def keep_edges(self, keep: NDArray[np.bool_]) -> None:
        """Remove the edges outside the mask (edges,) for good."""
        self.take(self.gate_V[keep], self.edge_uid[keep])
        for name in (STUCK, RULE):
            if name in self.memory:
                self.memory[name] = self.memory[name][..., keep]

    def leak(self) -> None:
        """Gate voltages after an epoch; those of stuck edges stay."""
        if self.periphery.leaks:
            self.gate_V = np.where(self.stuck, self.gate_V, self.periphery.leaked_V(self.gate_V))

    def record(self, values: dict[str, float]) -> None:
        """Append to the histories."""
        for name, value in values.items():
            self.histories.setdefault(name, []).append(value)


def new_replica(
    config: TrainerConfig, data: Data, topology: Topology, chip: Chip | None = None, sign: float = 1.0
) -> Replica:
    """The state before epoch 0, with the random draws in the published order; see `Replica`."""
    rng = np.random.RandomState(config.seed)
    gate_V = config.initial_gates(rng, topology.n_edges)
    limits_V = config.gate_limits_V or ((GATE_LOW_V, GATE_HIGH_V) if sign > 0 else (-GATE_HIGH_V, -GATE_LOW_V))
    periphery = Periphery(config, topology, limits_V, config.reads(), len(config.nudges))
    edges = np.arange(topology.n_edges)
    return Replica(config, data, topology, topology, rng, gate_V, edges, periphery, chip, sign=sign)


def padded_gates(replicas: Sequence[Replica]) -> FloatArray:
    """A copy of all gate voltages in volts, shape (L, most edges); zeros where a replica has fewer."""
    gate_V = np.zeros((len(replicas), max(replica.gate_V.size for replica in replicas)))
    for row, replica in zip(gate_V, replicas, strict=True):
        row[: replica.gate_V.size] = replica.gate_V
    return gate_V
