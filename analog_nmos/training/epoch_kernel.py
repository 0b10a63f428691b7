"""The epoch of `analog_nmos.training.epoch`, compiled for one solver and one objective, and kept on disk for both.

The solver's functions and the objective's are compiled into it (`backends.base.CompiledSolver`,
`objectives.base.SampleKernel`); whose they are it does not know.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.training.clock import seconds
from analog_nmos.training.config import GATE_HIGH_V, GATE_LOW_V
from analog_nmos.training.fingerprint import fingerprint
from common.kernels.cache import KernelCache
from common.kernels.jit import compiled

CONVERGED, NOT_FINITE = int(Status.CONVERGED), int(Status.NOT_FINITE)
SUITE = Path(__file__).parents[1]


class Samples(NamedTuple):
    """What one replica trains with."""

    x_V: Any  # (samples, inputs)
    label: Any  # (samples,)
    out_nodes: Any  # (outputs,)
    n_nodes: Any
    gamma: Any  # learning rate in 1/V


class Sums(NamedTuple):
    """Those of `epoch.Training`, each (L,), added to; and seconds of free phases, clamped phases and updates (3,)."""

    correct: Any
    loss: Any
    evaluated: Any
    active: Any
    reload_free: Any
    reload_clamp: Any
    nonfinite_free: Any
    nonfinite_clamp: Any
    solves: Any
    seconds: Any


@compiled
def _update(edges, replica, gamma, free_V, clamped_V):
    """Move the gate voltages of one replica, whose node voltages were free_V and clamped_V (nodes,)."""
    for e in range(edges.size[replica]):
        drain, source, slot = edges.drain[replica, e], edges.source[replica, e], edges.slot[replica, e]
        free, clamped = free_V[drain] - free_V[source], clamped_V[drain] - clamped_V[source]
        moved_V = edges.gate_V[slot] - gamma * (clamped * clamped - free * free)
        edges.gate_V[slot] = min(max(moved_V, GATE_LOW_V), GATE_HIGH_V)


@functools.cache
def epoch_kernel(
    free: Callable[..., Any], clamped: Callable[..., Any], forget: Callable[..., Any], evaluate: Callable[..., Any]
) -> Callable[..., Any]:
    """A function that trains one replica on some samples: see `train_on` inside."""

    @compiled
    def train_on(memory, edges, replica, samples, order, own, sums):
        """Train a replica on the samples with the numbers `order`; gate voltages move in the solver's own array."""
        n_outputs = samples.out_nodes.size
        out_V, target_V, held = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs, np.bool_)
        free_V, clamped_V = np.empty(samples.n_nodes), np.empty(samples.n_nodes)
        for n in order:
            label = samples.label[n]
            start = seconds()
            status = free(memory, replica, samples.x_V[n], free_V)
            sums.seconds[0] += seconds() - start
            sums.solves[replica] += 1
            if status != CONVERGED:
                count = sums.nonfinite_free if status == NOT_FINITE else sums.reload_free
                count[replica] += 1
                forget(memory, replica)
                continue
            for k in range(n_outputs):
                out_V[k] = target_V[k] = free_V[samples.out_nodes[k]]
                held[k] = False
            loss, prediction, active = evaluate(out_V, label, own, target_V, held)
            sums.correct[replica] += prediction == label
            sums.evaluated[replica] += 1
            sums.loss[replica] += loss
            if not active:
                continue
            sums.active[replica] += 1
            start = seconds()
            status = clamped(memory, replica, samples.x_V[n], target_V, held, clamped_V)
            solved = seconds()
            sums.seconds[1] += solved - start
            sums.solves[replica] += 1
            if status != CONVERGED:
                count = sums.nonfinite_clamp if status == NOT_FINITE else sums.reload_clamp
                count[replica] += 1
                forget(memory, replica)
                continue
            _update(edges, replica, samples.gamma, free_V, clamped_V)
            sums.seconds[2] += seconds() - solved

    kernel: Any = train_on
    name = "-".join((__name__, fingerprint(free, clamped, forget, evaluate)))
    kernel._cache = KernelCache(name, Path(__file__).parent, SUITE / "backends", SUITE / "objectives")
    return train_on
