"""The two-phase epoch: coupled learning over all samples, and validation. The definition of training in this suite.

It calls a backend and an objective sample by sample, whoever's they are. `analog_nmos.training.compiled` has the same
epoch without leaving compiled code, for those that bring compiled functions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields

import numpy as np

from analog_nmos.backends.base import Backend, BoolArray, FloatArray, Status
from analog_nmos.chips.periphery import Periphery
from analog_nmos.data.split import Split
from analog_nmos.objectives.base import IntArray, Objective
from analog_nmos.training.copies import Copies
from analog_nmos.training.replica import Replica, padded_gates
from analog_nmos.training.rule import Rule

Beat = Callable[[], None]  # says that the run is alive
Progress = Callable[[int], None]  # likewise, and counts so many samples as done
CONVERGED = int(Status.CONVERGED)  # an enum's attribute costs a microsecond, which is a tenth of a solve


@dataclass
class Training:
    """Sums over one epoch of L replicas; arrays have shape (L,), seconds are shared by the replicas.

    A failed solve counts as a wrong prediction and adds no loss; free and clamped failures are reloads (no convergence)
    or non-finite outputs.
    """

    correct: IntArray
    loss: FloatArray
    evaluated: IntArray
    active: IntArray
    reload_free: IntArray
    reload_clamp: IntArray
    nonfinite_free: IntArray
    nonfinite_clamp: IntArray
    solves: IntArray
    out_V: FloatArray | None = None  # (L, samples, outputs) free outputs as training has seen them, where they are kept
    free_s: float = 0.0
    clamp_s: float = 0.0
    update_s: float = 0.0
    total_s: float = 0.0

    @classmethod
    def zeros(cls, replicas: Sequence[Replica]) -> Training:
        """Before the first sample."""
        first, n_replicas = replicas[0], len(replicas)
        counts = {field.name: np.zeros(n_replicas, np.int64) for field in fields(cls) if field.default is MISSING}
        sums = cls(**{**counts, "loss": np.zeros(n_replicas)})  # type: ignore[arg-type]
        if first.config.keeps_outputs:
            sums.out_V = np.full((n_replicas, len(first.data.train.y), first.topology.n_outputs), np.nan)
        return sums

    def failures(self) -> IntArray:
        """Failed solves per replica."""
        return self.reload_free + self.reload_clamp + self.nonfinite_free + self.nonfinite_clamp


def train_epoch(
    replicas: Sequence[Replica],
    mask: BoolArray,
    copies: Copies,
    objective: Objective,
    beat: Progress,
) -> Training:
    """Train replicas for one epoch, and move their gate voltages at its end. `chips.periphery` says in which order.

    Args:
        replicas: runs with equally many training samples; the rng of each that takes part shuffles its order.
        mask: shape (L,), which replicas train; the others are left as they are.
        copies: the replicas' circuits.
        objective: the replicas' objective.
        beat: called with 1 before every sample.
    """
    sums, rule, gate_V = Training.zeros(replicas), copies.rule, padded_gates(replicas)
    around = _Peripheries(replicas, gate_V.shape[1])
    gamma = np.array([[replica.sign * replica.config.gamma] for replica in replicas])
    x_V = np.stack([replica.data.train.x_V for replica in replicas])
    goal = np.stack([replica.data.train.y for replica in replicas])
    label = np.stack([replica.data.train.label for replica in replicas])
    readout = replicas[0].data.readout
    row, everything = np.arange(len(replicas)), slice(None)
    clock = time.perf_counter
    for sample in shuffled_orders(replicas, mask).T:
        beat(1)
        x = x_V[row, sample]
        start = clock()
        copies.set_gates(around.written_V(gate_V, mask))
        free = copies.first.solve_free(x, mask)
        sums.free_s += clock() - start
        solved = _count(free.status, mask, sums.solves, sums.reload_free, sums.nonfinite_free, copies.first)
        free_V, out_V = around.read_free(free.node_V, solved)
        if sums.out_V is not None:
            sums.out_V[row[solved], sample[solved]] = out_V[solved]
        score_V = readout.scores_V(out_V)
        evaluation = objective.evaluate(score_V, goal[row, sample])
        sums.correct += solved & (evaluation.prediction == label[row, sample])
        sums.evaluated += solved
        np.add(sums.loss, evaluation.loss, out=sums.loss, where=solved)
        active = solved & evaluation.active
        if not active.any():
            continue
        sums.active += active
        free_V = free_V.copy()  # which is the solver's, unless it is read with noise
        target_V, held = readout.clamps(out_V, score_V, evaluation.target_V, evaluation.clamped)
        start = clock()
        if copies.are_two:
            for number in np.flatnonzero(active).tolist():
                copies.second.follow(copies.first, number)
        clamped_V, response_A, moved = [], None, active
        for nudge in rule.nudges:
            clamped = copies.second.solve_clamped(x, rule.driven(out_V, target_V, nudge), held, moved)
            moved = _count(clamped.status, moved, sums.solves, sums.reload_clamp, sums.nonfinite_clamp, copies.second)
            clamped_V.append(around.read_clamped(clamped.node_V, moved))
        if rule.is_adjoint:
            found = copies.first.adjoint(x, np.where(held, rule.driven(out_V, target_V, 1.0), 0.0), active)
            moved = _count(found.status, active, sums.solves, sums.reload_clamp, sums.nonfinite_clamp, copies.first)
            response_A = found.by_gate
        sums.clamp_s += clock() - start
        start = clock()
        rows = everything if moved.all() else np.flatnonzero(moved)
        step_V = (-gamma * rule.change_V2(free_V, clamped_V, response_A, gate_V))[rows]
        gate_V[rows] = around.updated_V(gate_V, step_V, rows, held, rule)
        sums.update_s += clock() - start
    for replica, trained_V in zip(replicas, gate_V, strict=True):
        replica.gate_V = trained_V[: replica.gate_V.size].copy()
    return sums


class _Peripheries:
    """Those of L replicas, for the loop over samples; each draws for its own only.

    Args:
        replicas: with equally many outputs.
        width: most edges of a replica.
    """

    def __init__(self, replicas: Sequence[Replica], width: int) -> None:
        self._all = [replica.periphery for replica in replicas]
        self._outputs = replicas[0].topology.out_nodes
        self._sizes = [replica.gate_V.size for replica in replicas]
        self._low_V, self._high_V = (
            np.array([[getattr(one, name)] for one in self._all]) for name in ("gate_low_V", "gate_high_V")
        )
        self._bias_V = np.zeros((len(replicas), width))
        self._fixed = np.zeros((len(replicas), width), bool)
        for row, replica in enumerate(replicas):
            self._bias_V[row, : self._sizes[row]] = replica.periphery.update_bias_V
            self._fixed[row, : self._sizes[row]] = replica.stuck

    def written_V(self, gate_V: FloatArray, mask: BoolArray) -> FloatArray:
        """What registers (L, edges) become on the chips of the mask."""
        written_V = gate_V.copy()
        for row in np.flatnonzero(mask).tolist():
            own = slice(self._sizes[row])
            written_V[row, own] = self._all[row].written_V(gate_V[row, own], "gates")
        return written_V

    def read_free(self, node_V: FloatArray, solved: BoolArray) -> tuple[FloatArray, FloatArray]:
        """Node voltages (L, nodes) and outputs (L, outputs) as they are read in a free phase."""
        # take, for rows that lie contiguously: NumPy adds up others in another order, and each replica as if alone.
        read_V, out_V = node_V, np.take(node_V, self._outputs, axis=1)
        for row in np.flatnonzero(solved).tolist():
            if self._all[row].read_noise_V:
                read_V = read_V.copy() if read_V is node_V else read_V
                own = slice(self._all[row].n_nodes)
                out_V[row], read_V[row, own] = self._all[row].read_free_V(node_V[row, own])
        return read_V, out_V

    def read_clamped(self, node_V: FloatArray, solved: BoolArray) -> FloatArray:
        """Node voltages (L, nodes) as they are read in a clamped phase."""
        read_V = node_V.copy()
        for row in np.flatnonzero(solved).tolist():
            own = slice(self._all[row].n_nodes)
            read_V[row, own] = self._all[row].read_V(node_V[row, own], "clamped")
        return read_V

    def updated_V(
        self, gate_V: FloatArray, step_V: FloatArray, rows: slice | IntArray, held: BoolArray, rule: Rule
    ) -> FloatArray:
        """Registers after an update, shape (rows, edges).

        Args:
            gate_V: all registers (L, edges).
            step_V: what the learning rule asks for of those of `rows`.
            rows: replicas that are updated.
            held: outputs (L, outputs) that were clamped.
            rule: whose optimizer makes steps of it.
        """
        fixed = self._fixed[rows]
        for place, row in enumerate(np.arange(len(self._all))[rows].tolist()):
            own, around = slice(self._sizes[row]), self._all[row]
            if around.clamped_only:
                fixed = fixed.copy() if fixed.base is not None else fixed
                fixed[place, own] |= ~around.at_clamped(held[row])
            step_V[place, own] = rule.advance(row, step_V[place, own], ~fixed[place, own])
            step_V[place] += self._bias_V[row]
            if around.update_noise_V:
                step_V[place, own] += around.update_noise_V * around.streams["updates"].take(self._sizes[row])
        moved_V = (gate_V[rows] + step_V).clip(self._low_V[rows], self._high_V[rows])
        return np.where(fixed, gate_V[rows], moved_V)


@dataclass(frozen=True)
class Validation:
    """Free outputs of one replica: out_V (samples, outputs) in volts (NaN where a solve failed), status (samples,)."""

    out_V: FloatArray
    status: IntArray
    seconds: float

    @property
    def reloads(self) -> int:
        """Solves that did not converge."""
        return int(np.isin(self.status, (Status.NO_CONVERGENCE, Status.SINGULAR)).sum())

    @property
    def nonfinite(self) -> int:
        """Solves with a voltage that is not finite."""
        return int((self.status == Status.NOT_FINITE).sum())

    def advice(self) -> str:
        """What to do about the most frequent failure."""
        failed = self.status[self.status != Status.CONVERGED]
        return Status(int(np.bincount(failed).argmax()) if failed.size else Status.NO_CONVERGENCE).advice


def validate(
    backend: Backend, replica: int, part: Split, beat: Beat, periphery: Periphery, chunk: int = 20
) -> Validation:
    """Free outputs of one replica, as they are read, for all samples of a part, with the backend's gate voltages."""
    start = time.perf_counter()
    out_V, status = [], []
    for first in range(0, len(part.y), chunk):
        beat()
        out, state = backend.solve_many(replica, part.x_V[first : first + chunk])
        out_V.append(periphery.tested_V(out))
        status.append(state)
    return Validation(np.concatenate(out_V), np.concatenate(status), time.perf_counter() - start)


def shuffled_orders(replicas: Sequence[Replica], mask: BoolArray) -> IntArray:
    """The order of samples, shape (L, samples), as its configuration draws it for each replica that takes part."""
    orders = []
    for replica, part in zip(replicas, mask, strict=True):
        samples = len(replica.data.train.y)
        orders.append(replica.config.epoch_order(replica.rng, replica.epoch, samples) if part else np.arange(samples))
    return np.stack(orders)


def _count(
    status: IntArray, mask: BoolArray, solves: IntArray, reloads: IntArray, nonfinite: IntArray, backend: Backend
) -> BoolArray:
    """Which replicas of the mask were solved; failed circuits are counted, and reloaded with their whole state."""
    solves += mask
    solved: BoolArray = status == CONVERGED  # a replica outside the mask is SKIPPED
    failed = mask & ~solved
    if failed.any():
        for replica in np.flatnonzero(failed):
            (nonfinite if status[replica] == Status.NOT_FINITE else reloads)[replica] += 1
            backend.reload(int(replica))
    return solved
