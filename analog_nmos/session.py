"""Lanes at work: epochs, validation, pruning and checkpoints, until all are done or one is stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos import record
from analog_nmos.backends import make_backend
from analog_nmos.backends.base import Backend, BoolArray, FloatArray
from analog_nmos.checkpoint import load_checkpoint, save_checkpoint
from analog_nmos.data import Split
from analog_nmos.epoch import Training, Validation, train_epoch, validate
from analog_nmos.lane import Lane, Prune
from analog_nmos.model_card import ModelCard
from analog_nmos.objectives.base import Measure, Objective
from common.errors import RunError
from common.progress import Progress
from common.runs import Run
from common.runs.metrics import keep_rows


@dataclass(eq=False)
class Job:
    """A lane, the run folder that it fills, and why it failed if it did."""

    lane: Lane
    run: Run
    failure: RunError | None = None


class Session:
    """The epochs of one start of the process; the jobs share a backend, and one that fails leaves the others alone."""

    def __init__(
        self, jobs: Sequence[Job], backend: Backend, objective: Objective, prune: Prune | None, card: ModelCard
    ) -> None:
        self._jobs, self._lanes = jobs, [job.lane for job in jobs]
        self._backend, self._objective = backend, objective
        self._prune, self._card = prune, card
        self._gate_V: FloatArray = np.zeros((0, 0))

    def train(self, progress: Progress) -> None:
        """Take every lane to its last epoch, from its checkpoint if there is one.

        Raises:
            Interrupted: a signal came; the last complete epoch is on disk.
        """
        self._begin()
        while (behind := self._furthest_behind()).any():
            self._epoch(behind, progress)
            for job in self._jobs:
                job.run.stop_if_asked()

    def evaluate(
        self, row: int, gate_V: FloatArray, arrays: Mapping[str, FloatArray], part: Split
    ) -> tuple[float, FloatArray]:
        """Accuracy of one lane, and its outputs (samples, outputs) in volts.

        Args:
            row: the lane.
            gate_V: gate voltages to use, shape (edges,).
            arrays: what the objective measured then; see `Objective.epoch_arrays`.
            part: samples.
        """
        self._gate_V[row, : gate_V.size] = gate_V
        self._objective.recall(row, arrays)
        validation = self._solve(row, part)
        solved = np.isfinite(validation.out_V).all(axis=1)
        view = self._objective.lane(row).judge(validation.out_V[solved], part.y[solved])
        return float((view.prediction == part.y[solved]).sum() / len(part.y)), validation.out_V

    def _begin(self) -> None:
        states = [load_checkpoint(job.run.folder, job.lane) for job in self._jobs]
        self._fit([state or {} for state in states])
        for row, (job, state) in enumerate(zip(self._jobs, states, strict=True)):
            keep_rows(job.run.folder, 0 if state is None else job.lane.epoch + 1)
            self._objective.recall(row, job.lane.memory)
            if state is None:
                record.write_start(job.run.folder, job.lane, self._card)
        self._finish_epoch([row for row, state in enumerate(states) if state is None], None)

    def _furthest_behind(self) -> BoolArray:
        """Which lanes train next: the unfinished ones with the fewest epochs (after a kill they may differ)."""
        unfinished = [not job.failure and job.lane.epoch < job.lane.config.epochs for job in self._jobs]
        epochs = [lane.epoch if open_ else np.inf for lane, open_ in zip(self._lanes, unfinished, strict=True)]
        behind: BoolArray = np.array(unfinished) & (np.array(epochs) == min(epochs))
        return behind

    def _epoch(self, taking_part: BoolArray, progress: Progress) -> None:
        start = time.perf_counter()
        rows = [int(row) for row in np.flatnonzero(taking_part)]
        for row in rows:
            lane = self._lanes[row]
            lane.epoch += 1
            self._objective.begin_epoch(lane.epoch, row, lane.data.train, self._measure(row))
        first = self._lanes[rows[0]]
        progress.describe(f"epoch {first.epoch} (accuracy {first.histories['val_acc'][-1]:.4f})")

        def beat() -> None:
            progress.advance(len(rows))
            for job in self._jobs:
                job.run.beat()

        sums = train_epoch(self._lanes, taking_part, self._backend, self._objective, self._gate_V, beat)
        sums.total_s = time.perf_counter() - start
        for row in rows:
            self._lanes[row].gate_V = self._gate_V[row, : self._lanes[row].topology.n_edges].copy()
        self._finish_epoch(rows, sums)

    def _finish_epoch(self, rows: Sequence[int], sums: Training | None) -> None:
        """Record training (none in epoch 0), validate, prune, and commit each lane by its checkpoint."""
        recorded = [self._record(row, sums) for row in rows]
        if sums is not None and self._prune is not None:
            self._prune_edges(rows, self._prune)
        for row, (numbers, validation) in zip(rows, recorded, strict=True):
            job, lane = self._jobs[row], self._lanes[row]
            record.write_histories(job.run.folder, lane)
            job.run.metrics(record.metrics_row(lane, self._objective))
            save_checkpoint(job.run.folder, lane, self._backend.state(row))
            job.run.log(record.epoch_line(lane, numbers))
            self._judge_failures(row, validation, sums)

    def _record(self, row: int, sums: Training | None) -> tuple[dict[str, float], Validation]:
        folder, lane = self._jobs[row].run.folder, self._lanes[row]
        train = record.record_training(lane, row, self._objective, sums) if sums is not None else {}
        validation = self._solve(row, lane.data.val)
        val = record.record_validation(folder, lane, self._objective.lane(row), validation)
        if sums is not None:
            lane.histories["epoch_total_s"][-1] += validation.seconds
            arrays, facts = self._objective.epoch_arrays(row), self._objective.epoch_facts(row)
            record.write_epoch(folder, lane, arrays, facts, train, val)
            lane.memory |= arrays
        return {**train, **val}, validation

    def _solve(self, row: int, part: Split) -> Validation:
        self._backend.set_gates(self._gate_V)
        return validate(self._backend, row, part, self._jobs[row].run.beat)

    def _measure(self, row: int) -> Measure:
        def outputs(input_V: FloatArray) -> FloatArray:
            self._backend.set_gates(self._gate_V)
            return self._backend.solve_many(row, input_V)[0]

        return outputs

    def _judge_failures(self, row: int, validation: Validation, sums: Training | None) -> None:
        """End a lane as failed when too many of the epoch's operating points failed."""
        job, limit = self._jobs[row], self._lanes[row].config.max_failures
        failed = validation.reloads + validation.nonfinite
        solves = len(validation.status)
        if sums is not None:
            failed += int(sums.failures()[row])
            solves += int(sums.solves[row])
        if failed > limit * solves:
            job.failure = RunError(
                f"epoch {job.lane.epoch}: {failed} of {solves} operating points failed "
                f"(--max-failures allows {limit:g} of them); {validation.advice()}"
            )
            job.run.finish(job.failure)

    def _prune_edges(self, rows: Sequence[int], prune: Prune) -> None:
        keeps = {}
        for row in rows:
            keep, job = prune(self._lanes[row], self._card), self._jobs[row]
            if not keep.any():
                job.failure = RunError(
                    f"epoch {job.lane.epoch}: every transistor is below the cutoff; none would be left"
                )
                job.run.finish(job.failure)
            elif not keep.all():
                keeps[row] = keep
        if not keeps:
            return
        states = [self._backend.state(row) for row in range(len(self._lanes))]
        for row, keep in keeps.items():
            # What a solver remembers of single edges no longer fits; VOUT is the circuit's own state and stays.
            states[row] = {"sink_V": states[row]["sink_V"]}
            self._lanes[row].keep_edges(keep)
        self._backend.close()
        config = self._lanes[0].config
        self._backend = make_backend(config.backend, [lane.topology for lane in self._lanes], self._card, config)
        self._fit(states)

    def _fit(self, states: Sequence[dict[str, NDArray[Any]]]) -> None:
        """Bring gate voltages and backend to the lanes as they stand."""
        self._gate_V = np.zeros((len(self._lanes), max(lane.topology.n_edges for lane in self._lanes)))
        for row, (lane, state) in enumerate(zip(self._lanes, states, strict=True)):
            self._gate_V[row, : lane.gate_V.size] = lane.gate_V
            if state:  # else the lane starts, as a new circuit does
                self._backend.restore(row, state)
