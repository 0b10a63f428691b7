"""The epoch as trainers run it: compiled where the backend and the objective allow, else the Python loop.

`analog_nmos.training.epoch.train_epoch` is the definition. Compiled, an epoch has the same numbers to the last bit: a
replica's own do not depend on how those of others are interleaved with them, nor on how samples are grouped into calls.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.objectives.base import Objective, SampleKernel
from analog_nmos.training.copies import Copies, Phase
from analog_nmos.training.epoch import Progress, Training, shuffled_orders, train_epoch
from analog_nmos.training.replica import Replica
from analog_nmos.training.rule import RuleKernels

CALL_S = 0.05  # about how long a call of the compiled epoch takes, so that progress is shown and Ctrl-C is heard
MOST_NORMALS = 4_000_000  # that are drawn ahead of a call


def train_replicas(
    replicas: Sequence[Replica], mask: BoolArray, copies: Copies, objective: Objective, beat: Progress
) -> Training:
    """Train replicas for one epoch, and move their gate voltages at its end; see `epoch.train_epoch`.

    `beat` is called before every few samples with their number. The seconds of free and clamped phases and of updates
    are read from a clock at every one of them, inside the compiled epoch too; there an update's include voltage drops.
    """
    parts = _parts(copies, objective)
    if parts is None:
        return train_epoch(replicas, mask, copies, objective, beat)
    return _train(replicas, mask, copies, _Compiled(*parts), beat)


def prepare(replicas: Sequence[Replica], copies: Copies, objective: Objective) -> None:
    """Compile or load what `train_replicas` needs, so that the first epoch's seconds are those of an epoch."""
    parts = _parts(copies, objective)
    if parts is not None:
        nobody, replica = np.zeros(len(replicas), bool), replicas[0]
        none = shuffled_orders(replicas, nobody)[:0, 0]
        solver, chip = _Compiled(*parts), _chip(replica, replica.gate_V.copy())
        sums = _sums(Training.zeros(replicas), np.zeros(3))
        solver.train(0, _samples(replica), none, chip, copies.rule.arrays(0), sums)


def _parts(copies: Copies, objective: Objective) -> tuple[Phase, Phase, SampleKernel, RuleKernels] | None:
    """What a compiled epoch is made of; None where a part is not compiled."""
    kernel, solvers, rule = sample_kernel(objective), copies.compiled(), copies.rule.kernels
    return None if kernel is None or solvers is None or rule is None else (*solvers, kernel, rule)


def sample_kernel(objective: Objective) -> SampleKernel | None:
    """The compiled `evaluate` of an objective; None where it has none, or inherits one for another `evaluate`."""
    for kind in type(objective).__mro__:
        if "kernel" in vars(kind):
            return objective.kernel()
        if "evaluate" in vars(kind):
            return None
    return None


class _Compiled:
    """The compiled epoch of two solvers, which may be one, an objective and a learning rule."""

    def __init__(self, free: Phase, clamped: Phase, kernel: SampleKernel, rule: RuleKernels) -> None:
        from analog_nmos.training.epoch_kernel import Circuit, epoch_kernel

        first, second = free.solver, clamped.solver
        solvers = (first.free, second.clamped, second.follow, second.forget, free.adjoint)
        self._train = epoch_kernel(*solvers, kernel.evaluate, *rule)
        self._circuits = [
            Circuit(one.solver.memory, one.solver.edges, one.address, one.adjoint_address) for one in (free, clamped)
        ]
        self._own = kernel.own

    def train(self, row: int, samples: Any, order: Any, chip: Any, rule: Any, sums: Any) -> None:
        """Train a replica on some samples; see `epoch_kernel`."""
        self._train(*self._circuits, row, samples, order, self._own[row], chip, rule, sums)


def _train(replicas: Sequence[Replica], mask: BoolArray, copies: Copies, solver: _Compiled, beat: Progress) -> Training:
    training, seconds = Training.zeros(replicas), np.zeros(3)
    sums, rows = _sums(training, seconds), np.flatnonzero(mask).tolist()
    samples, orders = [_samples(replica) for replica in replicas], shuffled_orders(replicas, mask)
    gates_V = [replica.gate_V.copy() for replica in replicas]
    chips = [_chip(replica, gate_V) for replica, gate_V in zip(replicas, gates_V, strict=True)]
    rules = {row: copies.rule.arrays(row) for row in rows}
    done, most = 0, MOST_NORMALS // max(replica.periphery.most_normals for replica in replicas)
    while done < orders.shape[1]:
        size = max(1, min(copies.call_samples, most, orders.shape[1] - done))
        beat(size)
        start = time.perf_counter()
        for row in rows:
            if replicas[row].periphery.reserve(size):
                chips[row] = _chip(replicas[row], gates_V[row])
            solver.train(row, samples[row], orders[row, done : done + size], chips[row], rules[row], sums)
        done += size
        if done < orders.shape[1] or size > copies.call_samples // 2:  # a short rest says little
            copies.call_samples = _next(size, time.perf_counter() - start)
    for row in rows:
        replicas[row].gate_V = gates_V[row]
        copies.rule.keep(row, rules[row].memory)
    training.free_s, training.clamp_s, training.update_s = seconds.tolist()
    return training


def _sums(training: Training, seconds: FloatArray) -> Any:
    from analog_nmos.training.epoch_kernel import Sums

    counts = {name: getattr(training, name) for name in Sums._fields if name not in ("out_V", "seconds")}
    out_V = np.empty((training.loss.size, 0, 0)) if training.out_V is None else training.out_V
    return Sums(**counts, out_V=out_V, seconds=seconds)


def _samples(replica: Replica) -> Any:
    from analog_nmos.training.epoch_kernel import Samples

    train, topology = replica.data.train, replica.topology
    return Samples(
        np.require(train.x_V, np.float64, ["C", "W"]),  # the type that `CompiledSolver.addresses` knows
        np.ascontiguousarray(train.y, np.int64 if replica.data.readout.answer.classes else np.float64),
        np.ascontiguousarray(train.label, np.int64),
        replica.data.readout.pairs,
        topology.max_node + 1,
        replica.sign * float(replica.config.gamma),
    )


def _chip(replica: Replica, gate_V: FloatArray) -> Any:
    from analog_nmos.chips.periphery_kernel import chip_of

    return chip_of(replica.periphery, gate_V, replica.stuck, two_circuits=replica.config.has_two_circuits)


def _next(size: int, took_s: float) -> int:
    """Samples of the next call, after one of `size` samples has taken so long."""
    return max(1, min(8 * size, int(size * CALL_S / max(took_s, 1e-9))))
