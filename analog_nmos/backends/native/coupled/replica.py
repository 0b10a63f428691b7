"""One replica with hidden nodes: Newton with its fallbacks, through the kernels of `hidden`.

Up to `DENSE` unknowns the system is factored inside the kernel, above that by SuperLU.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from analog_nmos.backends.base import FloatArray
from analog_nmos.backends.native.accuracy import Accuracy, expect, limits
from analog_nmos.backends.native.coupled.hidden import (
    CONVERGED,
    FIELDS,
    NO_CONVERGENCE,
    NOT_FINITE,
    SINGULAR,
    dense_newton,
    sparse_advance,
    sparse_doubts,
    sparse_pass,
    sparse_settle,
)
from analog_nmos.backends.native.coupled.wiring import CoupledNetwork
from analog_nmos.backends.native.decoupled.newton import DAMPED, FIRST_PASSES, FREE_V, LARGEST_LAST_V
from analog_nmos.backends.native.device import Device
from analog_nmos.backends.native.parameters import as_array
from common.kernels.vectors import aligned

DENSE = 200  # unknowns up to which the dense factorisation is used


class Sources(NamedTuple):
    """What drives the free nodes of one solve, and how accurately they can be found.

    Attributes:
        fixed_V: (X,) rails and inputs.
        load_S: (F,) rshunt and series resistors.
        source_A: (F,) currents that the series resistors bring at 0 V.
        damped_V: largest step once full steps have failed.
    """

    fixed_V: FloatArray
    load_S: FloatArray
    source_A: FloatArray
    damped_V: float
    accuracy: Accuracy


class CoupledReplica:
    """Solves one replica with hidden nodes.

    Args:
        network: from `couple`.
        device: from `parameters.device_parameters`.
        rails_V: vminus and vplus.
        tolerance_V: bound on the error of every free node.
        passes: limit of passes before source stepping.
    """

    def __init__(
        self, network: CoupledNetwork, device: Device, rails_V: tuple[float, float], tolerance_V: float, passes: int
    ) -> None:
        self.network, self.tolerance_V, self.passes = network, tolerance_V, passes
        self._device, self._parameters, self._limits = device, as_array(device), limits(device)
        self.gate_V = aligned(network.weight.size)
        self._rails_V = rails_V
        self._work = aligned(FIELDS * network.weight.size)
        self._data = np.zeros(network.data_size)

    def solve(self, input_V: FloatArray, start_V: FloatArray, series_S: FloatArray, sink_V: FloatArray) -> Any:
        """Free nodes (F,), status and passes, from inputs (I,), a start (F,), series conductances and VOUT (K,)."""
        if not (np.isfinite(input_V).all() and np.isfinite(self.gate_V).all() and np.isfinite(sink_V).all()):
            return start_V, NOT_FINITE, 0
        sources, passes = self._sources(input_V, series_S, sink_V), 0
        for damped in (False, True):
            left = self.passes - passes if damped else min(FIRST_PASSES, self.passes)
            node_V = np.concatenate([start_V, sources.fixed_V])
            status, passed = self._newton(node_V, sources, damped, left, True)
            passes += passed
            if status == CONVERGED or passes >= self.passes:
                return node_V[: start_V.size], status, passes
        return self._source_stepping(sources, passes)

    def _sources(self, input_V: FloatArray, series_S: FloatArray, sink_V: FloatArray) -> Sources:
        n_free, n_outputs = self.network.free.size, series_S.size
        fixed_V = np.concatenate([self._rails_V, input_V])
        load_S, source_A = np.full(n_free, self._device.shunt_S), np.zeros(n_free)
        load_S[:n_outputs] += series_S
        source_A[:n_outputs] = series_S * sink_V
        all_V = np.concatenate([fixed_V, sink_V, [0.0]])
        low, high = float(all_V.min()), float(all_V.max())
        accuracy = expect.py_func(  # type: ignore[attr-defined]
            self._limits, low, high, float(self.gate_V.max()), self._device
        )
        return Sources(fixed_V, load_S, source_A, DAMPED * max(high - low, 1.0), accuracy)

    def _source_stepping(self, sources: Sources, passes: int) -> Any:
        """Raise all sources but the gates from 0 V, where everything is 0 V, as fast as damped Newton follows."""
        n_free, n = self.network.free.size, self.network.weight.size
        self._work[:] = 0.0
        found_V, internal_V, reached, step = np.zeros(n_free), np.zeros(3 * n), 0.0, 0.25
        while reached < 1.0:
            scale = min(reached + step, 1.0)
            scaled = sources._replace(fixed_V=scale * sources.fixed_V, source_A=scale * sources.source_A)
            node_V = np.concatenate([found_V, scaled.fixed_V])
            status, passed = self._newton(node_V, scaled, True, 40, False)
            passes += passed
            if status == CONVERGED:
                found_V, reached, step = node_V[:n_free].copy(), scale, 2.0 * step
                internal_V = self._work[: 3 * n].copy()
            else:
                step *= 0.25
                if step < 1e-5:
                    return found_V, status, passes
                self._work[: 3 * n] = internal_V
            self._work[3 * n :] = 0.0
        return found_V, CONVERGED, passes

    def _newton(self, node_V: FloatArray, sources: Sources, damped: bool, passes: int, guess: bool) -> tuple[int, int]:
        """Newton from node_V, whose free nodes are moved: (status, passes)."""
        net, limit_V = self.network, sources.damped_V if damped else FREE_V
        edges = (self._parameters, net.ends, net.weight, net.place, net.diagonal, self.gate_V, node_V)
        knee_V = self._limits.knee_V if damped else np.inf
        if net.dense:
            answer: tuple[int, int] = dense_newton(
                *edges, sources.load_S, sources.source_A, limit_V, passes, guess, self.tolerance_V, sources.accuracy,
                net.n_edges, knee_V, self._work, self._data,
            )  # fmt: skip
            return answer
        n, doubt_V = net.free.size, 0.0
        moved_V, right = np.zeros(n), np.empty((3, n))
        for passed in range(passes):
            size = sparse_pass(
                *edges, moved_V, sources.load_S, sources.source_A, limit_V, guess and passed == 0, knee_V,
                self._work, self._data, *right,
            )  # fmt: skip
            try:
                factors = splu(csc_matrix((self._data[:-1], *net.pattern), (n, n)))
            except RuntimeError:  # SuperLU: exactly singular
                return SINGULAR, passed + 1
            step_V, bound_V = _voltages(factors, right[:2])
            status, size, error_V = sparse_advance(
                node_V, step_V, bound_V, moved_V, size, limit_V, sources.accuracy, doubt_V
            )
            if status == NO_CONVERGENCE and size < LARGEST_LAST_V and error_V <= self.tolerance_V:
                doubts_V = _voltages(factors, sparse_doubts(node_V, net.n_edges, right[2], sources.accuracy))
                status, doubt_V = sparse_settle(size, error_V, *doubts_V, self.tolerance_V, sources.accuracy)
            if status != NO_CONVERGENCE:
                return int(status), passed + 1
        return NO_CONVERGENCE, passes


def _voltages(factors: Any, currents_A: FloatArray) -> FloatArray:
    """Voltages (n, F) that currents (n, F) cause in the linearised network."""
    voltages: FloatArray = np.ascontiguousarray(factors.solve(np.ascontiguousarray(currents_A.T)).T)
    return voltages
