"""The circuits of an audit: operating points of several samples at once, and the gradient at these.

Every sample has a replica of the network to itself where the solver takes as many (native); ngspice takes one after
the other. VOUT is that of the run's checkpoint in every free state.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from analog_nmos.backends import BACKENDS
from analog_nmos.backends.base import Backend, BoolArray, FloatArray, Solution, Status
from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.rules.options import COUPLED
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import SECOND, SINKS, State
from analog_nmos.training.replica import Replica
from common.errors import InputError

NATIVE = "native"
TOLERANCE_V = 1e-13  # of native voltages
# Of ngspice's: a nudge of a microvolt has to be seen to six digits, in place of the 5e-3 that training does with.
TIGHT: dict[str, Any] = {"reltol": 1e-12, "abstol": 1e-18, "vntol": 1e-14, "itl1": 500, "itl2": 500}
WIDTH = 64  # most samples side by side


class Bench:
    """One network, solved free and nudged in any mode.

    Args:
        replica: with the network, and its chip; its options without noise.
        card: of all transistors.
        state: of the run's circuits, for VOUT; see `Copies.state`.
        samples: that there are at most, so that no more replicas are made than are needed.

    Attributes:
        width: samples that are solved at once.
        gate_V: (width, edges) as written.
        two: whether nudged states have a circuit of their own.

    Raises:
        InputError: native does not model the card, or the solver is missing.
    """

    def __init__(self, replica: Replica, card: ModelCard, state: State, samples: int) -> None:
        self._replica, self._card, self._state = replica, card, state
        self._config: TrainerConfig = replace(replica.config, rule=COUPLED)  # its circuits may be nudged in any mode
        most = BACKENDS.get(self._config.backend).most_replicas
        self.width = min(samples, WIDTH if most is None else most)
        self.two = self._config.has_two_circuits
        self._of_free = replica.deviations[0]
        self._everything = np.ones(self.width, bool)
        self._free = self._make(self._config, self._of_free)
        self._exact = self._free if self._config.backend == NATIVE else self._native()
        self._nudged: dict[str, Backend] = {}

    def set_gates(self, register_V: FloatArray) -> None:
        """Gate voltages (edges,) of all circuits, as the chip's converter writes them."""
        written_V = self._replica.periphery.written_V(register_V, "gates")
        self.gate_V = np.tile(written_V, (self.width, 1))
        for backend in self._all:
            backend.set_gates(self.gate_V)

    def reset(self) -> None:
        """As before any sample: VOUT of the checkpoint, and no first guesses."""
        for backend in self._all:
            self._restore(backend)

    def free(self, input_V: FloatArray) -> tuple[FloatArray, BoolArray]:
        """Node voltages (width, nodes) in V of the first circuit for inputs (width, inputs), and which were found."""
        return _found(self._free, self._free.solve_free(input_V, self._everything))

    def nudged(
        self, mode: str, input_V: FloatArray, driven: FloatArray, held: BoolArray
    ) -> tuple[FloatArray, BoolArray]:
        """As `free`, of the circuit that is nudged, after a free state of the same inputs.

        Args:
            mode: how; see --nudge-mode.
            input_V: (width, inputs) in V.
            driven: (width, outputs) target voltages in V, or currents in A.
            held: (width, outputs) which outputs are nudged.
        """
        backend = self._nudged_by(mode)
        if backend is not self._free:
            for row in range(self.width):
                backend.follow(self._free, row)
        return _found(backend, backend.solve_clamped(input_V, driven, held, self._everything))

    def response(self, input_V: FloatArray, cotangent: FloatArray) -> tuple[FloatArray, BoolArray]:
        """What the first circuit's outputs times cotangents (width, outputs) gain by the gate voltages (width, edges).

        To be called before anything is nudged, which may change VOUT. Also which of them were found.
        """
        found = self._exact.adjoint(input_V, cotangent, self._everything)
        return found.by_gate, found.status == Status.CONVERGED

    def close(self) -> None:
        """Free the circuits."""
        for backend in self._all:
            backend.close()

    @property
    def _all(self) -> list[Backend]:
        return list({id(one): one for one in (self._free, self._exact, *self._nudged.values())}.values())

    def _nudged_by(self, mode: str) -> Backend:
        if mode not in self._nudged:
            if mode == self._config.nudge_mode and not self.two:
                self._nudged[mode] = self._free
            else:
                deviations = self._replica.deviations[1 if self.two else 0]
                self._nudged[mode] = backend = self._make(replace(self._config, nudge_mode=mode), deviations)
                backend.set_gates(self.gate_V)
                self._restore(backend)
        return self._nudged[mode]

    def _restore(self, backend: Backend) -> None:
        is_second = self.two and backend not in (self._free, self._exact)
        sink_V = self._state.get(SECOND + SINKS if is_second else SINKS)
        for row in range(self.width):
            backend.restore(row, {SINKS: np.zeros(self._replica.topology.n_outputs) if sink_V is None else sink_V})

    def _make(self, options: TrainerConfig, deviations: Deviations | None) -> Backend:
        topologies = [self._replica.topology] * self.width
        if options.backend == NATIVE:
            return self._native(options, deviations)
        tight = replace(options, **TIGHT) if options.backend == "ngspice" else options
        return make_backend(options.backend, topologies, self._card, tight, [deviations] * self.width)

    def _native(self, options: TrainerConfig | None = None, deviations: Deviations | None = None) -> Backend:
        """With a transistor of its own for each; the free circuit unless others are named."""
        from analog_nmos.backends.native import NativeBackend

        own = self._of_free if options is None else deviations
        topologies = [self._replica.topology] * self.width
        try:
            return NativeBackend(
                topologies, self._card, options or self._config, tolerance_V=TOLERANCE_V, deviations=[own] * self.width
            )
        except InputError as problem:
            raise InputError(f"the gradient is native's: {problem}") from None


def _found(backend: Backend, solution: Solution) -> tuple[FloatArray, BoolArray]:
    """Voltages, and which were found; circuits that failed are loaded anew."""
    node_V, found = solution.node_V.copy(), solution.status == Status.CONVERGED
    for row in np.flatnonzero(~found).tolist():
        backend.reload(row)
    return node_V, found
