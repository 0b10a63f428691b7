"""A network linearised around its states: nodal equations at complex frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.states import EdgeSlopes
from analog_nmos.circuit import CircuitOptions
from analog_nmos.energy.admittance import admittances, surroundings
from analog_nmos.energy.capacitances import Capacitances
from analog_nmos.energy.power import Loads
from analog_nmos.topology import Topology

FloatArray = NDArray[np.float64]


class Linearised:
    """A circuit around N states.

    Args:
        device: of its transistors.
        topology: with F free nodes (outputs, then hidden nodes that an edge touches) and I inputs.
        options: of the circuit.
        slopes: conductances of the transistors (N, E).
        held: capacitances.
        loads: of the outputs.

    Attributes:
        line: where no internal node holds charge, the nodal equations are straight lines in the frequency: what they
            are at 0, and what they grow by per 1/s, both (N, F, F + I + 1), the last column for rails; else None.
    """

    def __init__(
        self,
        device: Device | Linked,
        topology: Topology,
        options: CircuitOptions,
        slopes: EdgeSlopes,
        held: Capacitances,
        loads: Loads,
    ) -> None:
        self._device, self._slopes, self._held = device, slopes, held
        touched = np.isin(topology.hidden_nodes, [topology.edges_D, topology.edges_S])
        nodes = np.concatenate([topology.out_nodes, topology.hidden_nodes[touched]])
        self.n_states, self.n_free, self.n_outputs = len(loads.series_ohm), nodes.size, topology.n_outputs
        self._width = nodes.size + topology.n_inputs + 1
        place = np.full(topology.max_node + 1, self._width - 1)  # rails do not move
        place[nodes] = np.arange(nodes.size)
        place[topology.input_nodes] = nodes.size + np.arange(topology.n_inputs)
        self._sum = _incidence(place[topology.edges_D], place[topology.edges_S], nodes.size, self._width)
        self._load_S = np.full((self.n_states, nodes.size), 1.0 / options.rshunt)
        self._load_S[:, : self.n_outputs] += 1.0 / loads.series_ohm
        self._series_S = 1.0 / loads.series_ohm
        self.line = None if held.inside or surroundings(device).gate_b else self._straight()

    def transfers(self, frequency: Any, of_outputs: bool) -> NDArray[Any]:
        """Free nodes' voltages by those of the inputs, or of VOUT: (N, M, F, I or outputs) at frequencies (N, M)."""
        frequency = np.asarray(frequency)
        if self.line is None:
            found = self._assembled(frequency)
        else:
            found = self.line[0][:, None] + frequency[:, :, None, None] * self.line[1][:, None]
        driven = self.by_outputs()[:, None] if of_outputs else -found[..., self.n_free : -1]
        moved: NDArray[Any] = np.linalg.solve(found[..., : self.n_free], driven)
        return moved

    def by_outputs(self) -> FloatArray:
        """Currents into the free nodes by VOUT: (N, F, outputs) in S."""
        driven, k = np.zeros((self.n_states, self.n_free, self.n_outputs)), np.arange(self.n_outputs)
        driven[:, k, k] = self._series_S
        return driven

    def slowest_s(self) -> FloatArray:
        """(N,) sum of all time constants as they are expected, which no single one is above by much."""
        held, device = self._held, self._device
        gate_F = 2.0 * held.end_F + held.gate_drain_F + held.gate_source_F + held.gate_body_F
        inside_F = gate_F + held.drain_body_F + held.source_body_F
        ends = np.broadcast_to(np.asarray(inside_F), (self.n_states, self._sum.shape[1] // 4))
        at_nodes_F = held.node_F + np.abs(ends @ self._touching())
        system = self._assembled(np.zeros((self.n_states, 1)))[:, 0].real
        ohm = np.abs(np.diagonal(np.linalg.inv(system[..., : self.n_free]), axis1=1, axis2=2))
        found: FloatArray = (ohm * at_nodes_F).sum(axis=1)
        if held.inside or surroundings(device).gate_b:
            around = surroundings(device)
            body_ohm = around.body_ohm if around.held else 1.0 / (2.0 * device.gmin_S + device.shunt_S)
            found = found + ends.max(axis=1) * (body_ohm + device.rd_ohm + device.rs_ohm)
        return found

    def _assembled(self, frequency: NDArray[Any]) -> NDArray[Any]:
        """The nodal equations (N, M, F, F + I + 1)."""
        edges = admittances(self._device, self._slopes, self._held, frequency)
        flat = edges.reshape(frequency.size, -1)
        found = np.asarray((self._sum @ flat.T).T).reshape(*frequency.shape, self.n_free, self._width)
        n = np.arange(self.n_free)
        found[:, :, n, n] += self._load_S[:, None] + frequency[:, :, None] * self._held.node_F
        return found

    def _straight(self) -> tuple[FloatArray, FloatArray]:
        at_0, at_1 = (self._assembled(np.full((self.n_states, 1), float(at)))[:, 0].real for at in (0, 1))
        return at_0, at_1 - at_0

    def _touching(self) -> Any:
        """Which edges (E,) end at which free nodes (F,)."""
        diagonal = np.arange(self.n_free) * (self._width + 1)
        return abs(self._sum[diagonal]).toarray().reshape(self.n_free, -1, 4).sum(axis=2).T


def _incidence(drain: Any, source: Any, n_free: int, width: int) -> Any:
    """A sparse matrix (F * width, 4 E) that adds the entries DD, DS, SD and SS of each edge to the nodal equations."""
    rows = np.stack([drain, drain, source, source], axis=1).ravel()
    columns = np.stack([drain, source, drain, source], axis=1).ravel()
    kept = np.flatnonzero(rows < n_free)
    places = rows[kept] * width + columns[kept]
    return sparse.csr_array((np.ones(kept.size), (places, kept)), shape=(n_free * width, rows.size))
