"""The epoch as trainers run it: compiled where the backend and the objective allow, else the Python loop.

`analog_nmos.training.epoch.train_epoch` is the definition. Compiled, an epoch has the same numbers to the last bit: a
replica's own do not depend on how those of others are interleaved with them, nor on how samples are grouped into calls.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from analog_nmos.backends.base import Backend, BoolArray, CompiledSolver, FloatArray
from analog_nmos.objectives.base import Objective, SampleKernel
from analog_nmos.training.epoch import Progress, Training, shuffled_orders, train_epoch
from analog_nmos.training.replica import Replica, padded_gates

CALL_S = 0.05  # about how long a call of the compiled epoch takes, so that progress is shown and Ctrl-C is heard


def train_replicas(
    replicas: Sequence[Replica], mask: BoolArray, backend: Backend, objective: Objective, beat: Progress
) -> Training:
    """Train replicas for one epoch, and move their gate voltages at its end; see `epoch.train_epoch`.

    `beat` is called before every few samples with their number. The seconds of free and clamped phases and of updates
    are read from a clock at every one of them, inside the compiled epoch too; there an update's include voltage drops.
    """
    solver, kernel = backend.compiled(), sample_kernel(objective)
    if solver is None or kernel is None:
        return train_epoch(replicas, mask, backend, objective, beat)
    return _train(replicas, mask, backend, solver, kernel, beat)


def prepare(replicas: Sequence[Replica], backend: Backend, objective: Objective) -> None:
    """Compile or load what `train_replicas` needs, so that the first epoch's seconds are those of an epoch."""
    solver, kernel = backend.compiled(), sample_kernel(objective)
    if solver is not None and kernel is not None:
        nobody = np.zeros(len(replicas), bool)
        train_on, sums = _kernel(solver, kernel), _sums(Training.zeros(replicas), np.zeros(3))
        none = shuffled_orders(replicas, nobody)[:0, 0]
        train_on(solver.memory, solver.edges, 0, _samples(replicas[0]), none, kernel.own[0], sums)


def sample_kernel(objective: Objective) -> SampleKernel | None:
    """The compiled `evaluate` of an objective; None where it has none, or inherits one for another `evaluate`."""
    for kind in type(objective).__mro__:
        if "kernel" in vars(kind):
            return objective.kernel()
        if "evaluate" in vars(kind):
            return None
    return None


def _train(
    replicas: Sequence[Replica],
    mask: BoolArray,
    backend: Backend,
    solver: CompiledSolver,
    kernel: SampleKernel,
    beat: Progress,
) -> Training:
    training, seconds = Training.zeros(replicas), np.zeros(3)
    train_on, sums = _kernel(solver, kernel), _sums(training, seconds)
    samples, orders = [_samples(replica) for replica in replicas], shuffled_orders(replicas, mask)
    backend.set_gates(padded_gates(replicas))
    done, size = 0, 1
    while done < orders.shape[1]:
        size = min(size, orders.shape[1] - done)
        beat(size)
        start = time.perf_counter()
        for row in np.flatnonzero(mask).tolist():
            order = orders[row, done : done + size]
            train_on(solver.memory, solver.edges, row, samples[row], order, kernel.own[row], sums)
        done += size
        size = _next(size, time.perf_counter() - start)
    for row in np.flatnonzero(mask).tolist():
        slots = solver.edges.slot[row, : solver.edges.size[row]]
        replicas[row].gate_V = solver.edges.gate_V[slots]
    training.free_s, training.clamp_s, training.update_s = seconds.tolist()
    return training


def _kernel(solver: CompiledSolver, kernel: SampleKernel) -> Any:
    from analog_nmos.training.epoch_kernel import epoch_kernel

    return epoch_kernel(solver.free, solver.clamped, solver.forget, kernel.evaluate)


def _sums(training: Training, seconds: FloatArray) -> Any:
    from analog_nmos.training.epoch_kernel import Sums

    counts = {name: getattr(training, name) for name in Sums._fields if name not in ("out_V", "seconds")}
    out_V = np.empty((training.loss.size, 0, 0)) if training.out_V is None else training.out_V
    return Sums(**counts, out_V=out_V, seconds=seconds)


def _samples(replica: Replica) -> Any:
    from analog_nmos.training.epoch_kernel import Samples

    train, topology = replica.data.train, replica.topology
    return Samples(
        np.ascontiguousarray(train.x_V, np.float64),
        np.ascontiguousarray(train.y, np.int64 if replica.data.readout.answer.classes else np.float64),
        np.ascontiguousarray(train.label, np.int64),
        np.ascontiguousarray(topology.out_nodes, np.int64),
        replica.data.readout.pairs,
        topology.max_node + 1,
        replica.sign * float(replica.config.gamma),
        *replica.gate_range_V,
    )


def _next(size: int, took_s: float) -> int:
    """Samples of the next call, after one of `size` samples has taken so long."""
    return max(1, min(8 * size, int(size * CALL_S / max(took_s, 1e-9))))
