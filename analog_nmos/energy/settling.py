"""How long a network takes to settle after a small step: the linearised circuit with its capacitances, in time.

The circuit's answer to a step is worked out at complex frequencies, where each transistor's internal nodes can be
eliminated exactly, and brought back to time by Talbot's method (J. Abate, P. Valko, Int. J. Numer. Meth. Engng 60
(2004) 979, the fixed contour), whose error with 12 points is below 1e-6 of the final change for networks like these.
Internal nodes without capacitance follow at once.
"""

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
from common.errors import RunError

FloatArray = NDArray[np.float64]
POINTS = 12  # of Talbot's contour
SHARE = 0.01  # of the final change that may be left
NOTICED = 0.01  # sources whose step has less than this share of the largest effect are left out
SCAN = 0.8  # ratio of times that are looked at
BISECTIONS = 12
LONGEST, SHORTEST = 1e6, 1e-9  # times the slowest time constant that is expected


class Linearised:
    """A circuit around N states.

    Args:
        device: of its transistors.
        topology: with F free nodes (outputs, then hidden nodes that an edge touches) and I inputs.
        options: of the circuit.
        slopes: conductances of the transistors (N, E).
        held: capacitances.
        loads: of the outputs.
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
        # Where no internal node holds charge, the equations are straight lines in the frequency.
        self._line: Any = None
        if not held.inside and not surroundings(device).gate_b:
            at_0, at_1 = (self._assembled(np.full((self.n_states, 1), float(at)))[:, 0].real for at in (0, 1))
            self._line = at_0, at_1 - at_0

    def transfers(self, frequency: Any, of_outputs: bool) -> NDArray[Any]:
        """Free nodes' voltages by those of the inputs, or of VOUT: (N, M, F, I or outputs) at frequencies (N, M)."""
        frequency = np.asarray(frequency)
        if self._line is None:
            found = self._assembled(frequency)
        else:
            found = self._line[0][:, None] + frequency[:, :, None, None] * self._line[1][:, None]
        matrix, n = found[..., : self.n_free], self.n_free
        if not of_outputs:
            driven = -found[..., n:-1]
        else:
            driven = np.zeros((*frequency.shape, n, self.n_outputs))
            k = np.arange(self.n_outputs)
            driven[:, :, k, k] = self._series_S[:, None]
        moved: NDArray[Any] = np.linalg.solve(matrix, driven)
        return moved

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


def settling_times(
    network: Linearised, source: int | None = None, *, clamps: bool = False, everywhere: bool = False
) -> FloatArray:
    """Seconds (N,) after a small step until nodes stay within 1 percent of the final change.

    That is the largest difference of a node from where it goes, over the largest final change of a node.

    Args:
        network: the circuit around N states.
        source: number of the input that steps (of the VOUT, with `clamps`); None for the worst of those that matter,
            which are those with at least a hundredth of the largest effect.
        clamps: the step is one of VOUT, not of an input.
        everywhere: hidden nodes count too, not outputs alone.

    Raises:
        RunError: a network that does not settle within a million times its expected slowest time constant.
    """
    rows = network.n_free if everywhere else network.n_outputs
    chosen = slice(None) if source is None else slice(source, source + 1)
    final = network.transfers(np.zeros((network.n_states, 1)), clamps)[:, 0, :rows, chosen].real
    size = np.abs(final).max(axis=1)  # (N, sources)
    size = np.where(size >= NOTICED * size.max(axis=1, keepdims=True), size, np.inf)

    def left(time_s: FloatArray) -> FloatArray:
        changes = _in_time(network, time_s, clamps, final, rows, chosen)
        share: FloatArray = (np.abs(changes).max(axis=1) / np.where(size > 0.0, size, np.inf)).max(axis=1)
        return share

    return last_crossing(left, network.slowest_s())


def _in_time(
    network: Linearised, time_s: FloatArray, clamps: bool, final: FloatArray, rows: int, chosen: slice
) -> FloatArray:
    """Distances (N, rows, sources) from the final change, at a time (N,) of each state after a step of 1 V."""
    theta = np.arange(1, POINTS) * np.pi / POINTS
    cot = 1.0 / np.tan(theta)
    rate = 2.0 * POINTS / (5.0 * time_s)[:, None]
    at = rate * np.concatenate([[1.0], theta * (cot + 1j)])
    weight = np.exp(at * time_s[:, None]) * np.concatenate([[0.5], 1.0 + 1j * (theta + (theta * cot - 1.0) * cot)])
    moved = network.transfers(at, clamps)[:, :, :rows, chosen] - final[:, None]
    found: FloatArray = ((rate / POINTS * weight / at)[:, :, None, None] * moved).sum(axis=1).real
    return found


def last_crossing(left: Any, slowest_s: FloatArray) -> FloatArray:
    """Times (N,) after which `left` stays below SHARE: from late times down to the first above it, then halved."""
    late_s = 10.0 * slowest_s
    if not (late_s > 0.0).all():
        return np.zeros_like(late_s)
    while (above := ~(left(late_s) <= SHARE)).any():
        late_s = np.where(above, 4.0 * late_s, late_s)
        if (late_s > LONGEST * slowest_s).any():
            raise RunError("a network does not settle after a small step; check its gates and capacitances")
    early_s = late_s.copy()
    looking = np.ones(early_s.size, bool)
    while looking.any() and (early_s > SHORTEST * slowest_s).any():
        early_s = np.where(looking, SCAN * early_s, early_s)
        looking &= left(early_s) <= SHARE
        late_s = np.where(looking, early_s, late_s)
    low, high = np.log(early_s), np.log(late_s)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        above = left(np.exp(middle)) > SHARE
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    found: FloatArray = np.where(looking, 0.0, np.exp(high))
    return found
