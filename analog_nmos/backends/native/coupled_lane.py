"""One lane with hidden nodes: Newton with its fallbacks, through the kernels of `hidden`.

Up to `DENSE` unknowns the system is factored inside the kernel, above that by SuperLU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import splu

from analog_nmos.backends.base import FloatArray
from analog_nmos.backends.native.hidden import (
    CONVERGED,
    FIELDS,
    NO_CONVERGENCE,
    NOT_FINITE,
    SINGULAR,
    dense_newton,
    sparse_advance,
    sparse_pass,
)  # fmt: skip
from analog_nmos.backends.native.kernel import DAMPED_V, FIRST_PASSES, FREE_V
from analog_nmos.backends.native.simd import aligned
from analog_nmos.backends.native.wiring import CoupledNetwork

DENSE = 200  # unknowns up to which the dense factorisation is used


class CoupledLane:
    """Solves one lane with hidden nodes.

    Args:
        network: from `couple`.
        device: from `parameters.as_array`.
        rails_V: vminus and vplus.
        tolerance_V: bound on the error of every free node.
        passes: limit of passes before source stepping.
    """

    def __init__(
        self, network: CoupledNetwork, device: FloatArray, rails_V: tuple[float, float], tolerance_V: float, passes: int
    ) -> None:
        self.network, self.device, self.tolerance_V, self.passes = network, device, tolerance_V, passes
        self.gate_V = aligned(network.weight.size)
        self._rails_V = rails_V
        self._work = aligned(FIELDS * network.weight.size)
        self._data = np.zeros(network.data_size)

    def solve(self, input_V: FloatArray, start_V: FloatArray, series_S: FloatArray, sink_V: FloatArray) -> Any:
        """Free nodes (F,), status and passes, from inputs (I,), a start (F,), series conductances and VOUT (K,)."""
        if not (np.isfinite(input_V).all() and np.isfinite(self.gate_V).all() and np.isfinite(sink_V).all()):
            return start_V, NOT_FINITE, 0
        n_free = self.network.free.size
        fixed_V = np.concatenate([self._rails_V, input_V])
        load_S = np.full(n_free, self.device[11])  # rshunt
        load_S[: series_S.size] += series_S
        source_A = np.zeros(n_free)
        source_A[: series_S.size] = series_S * sink_V
        passes = 0
        for limit_V in (FREE_V, DAMPED_V):
            left = min(FIRST_PASSES, self.passes) if limit_V == FREE_V else self.passes - passes
            node_V = np.concatenate([start_V, fixed_V])
            status, passed = self._newton(node_V, load_S, source_A, limit_V, left, True)
            passes += passed
            if status == CONVERGED or passes >= self.passes:
                return node_V[:n_free], status, passes
        return self._source_stepping(fixed_V, load_S, source_A, passes)

    def _source_stepping(self, fixed_V: FloatArray, load_S: FloatArray, source_A: FloatArray, passes: int) -> Any:
        """Raise all sources but the gates from 0 V, where everything is 0 V, as fast as damped Newton follows."""
        n_free, n = self.network.free.size, self.network.weight.size
        self._work[:] = 0.0
        found_V, internal_V, reached, step = np.zeros(n_free), np.zeros(3 * n), 0.0, 0.25
        while reached < 1.0:
            scale = min(reached + step, 1.0)
            node_V = np.concatenate([found_V, scale * fixed_V])
            status, passed = self._newton(node_V, load_S, scale * source_A, DAMPED_V, 40, False)
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

    def _newton(
        self, node_V: FloatArray, load_S: FloatArray, source_A: FloatArray, limit_V: float, passes: int, guess: bool
    ) -> tuple[int, int]:
        net = self.network
        edges = (self.device, net.ends, net.weight, net.place, net.diagonal, self.gate_V, node_V)
        if net.dense:
            answer: tuple[int, int] = dense_newton(
                *edges, load_S, source_A, limit_V, passes, guess, self.tolerance_V, self._work, self._data
            )
            return answer
        n = net.free.size
        moved_V, right = np.zeros(n), np.empty((2, n))
        for passed in range(passes):
            loads = (load_S, source_A, limit_V, guess and passed == 0)
            size = sparse_pass(*edges, moved_V, *loads, self._work, self._data, right[0], right[1])
            matrix = csc_matrix((self._data[:-1], *net.pattern), (n, n))
            try:
                step_V, bound_V = np.ascontiguousarray(splu(matrix).solve(np.ascontiguousarray(right.T)).T)
            except RuntimeError:  # SuperLU: exactly singular
                return SINGULAR, passed + 1
            status = sparse_advance(node_V, step_V, bound_V, moved_V, size, limit_V, self.tolerance_V)
            if status != NO_CONVERGENCE:
                return int(status), passed + 1
        return NO_CONVERGENCE, passes
