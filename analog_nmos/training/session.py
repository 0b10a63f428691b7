"""Replicas at work: epochs, validation, pruning and checkpoints, until all are done or one is stopped."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.digits.data import Split
from analog_nmos.objectives.base import Measure, Objective
from analog_nmos.training import published, record
from analog_nmos.training.checkpoint import save_checkpoint
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.epoch import Training, Validation, train_epoch
from analog_nmos.training.replica import Prune, Replica
from common.errors import RunError
from common.progress import Progress
from common.runs import Run
from common.runs.metrics import keep_rows


@dataclass(eq=False)
class Job:
    """A replica, the run folder that it fills, and why it failed if it did."""

    replica: Replica
    run: Run
    failure: RunError | None = None

    def fail(self, failure: RunError) -> None:
        """End the run as failed; the last complete epoch stays on disk."""
        self.failure = failure
        self.run.finish(failure)


class Session:
    """The epochs of one start of the process; the jobs share a solver, and one that fails leaves the others alone."""

    def __init__(self, jobs: Sequence[Job], objective: Objective, prune: Prune | None, card: ModelCard) -> None:
        self._jobs, self._replicas = jobs, [job.replica for job in jobs]
        self._objective, self._prune, self._card = objective, prune, card
        # Only now do the folders belong to this process, so only now do the checkpoints count.
        self._circuits, self._restored = Circuits.at_checkpoints(self._replicas, [job.run.folder for job in jobs], card)

    def train(self, progress: Progress) -> None:
        """Take every replica to its last epoch, from its checkpoint if there is one.

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
        """Accuracy of one replica, and its outputs (samples, outputs) in volts.

        Args:
            row: the replica.
            gate_V: gate voltages to use, shape (edges,).
            arrays: what the objective measured then; see `Objective.epoch_arrays`.
            part: samples.
        """
        self._objective.recall(row, arrays)
        validation = self._circuits.outputs(row, part, self._jobs[row].run.beat, gate_V)
        solved = np.isfinite(validation.out_V).all(axis=1)
        view = self._objective.replica(row).evaluate(validation.out_V[solved], part.y[solved])
        return float((view.prediction == part.y[solved]).sum() / len(part.y)), validation.out_V

    def _begin(self) -> None:
        for row, (job, restored) in enumerate(zip(self._jobs, self._restored, strict=True)):
            keep_rows(job.run.folder, job.replica.epoch + 1 if restored else 0)
            self._objective.recall(row, job.replica.memory)
            if not restored:
                record.write_start(job.run.folder, job.replica, self._card)
        self._finish_epoch([row for row, restored in enumerate(self._restored) if not restored], None)

    def _furthest_behind(self) -> BoolArray:
        """Which replicas train next: the unfinished ones with the fewest epochs (after a kill they may differ)."""
        unfinished = [not job.failure and job.replica.epoch < job.replica.config.epochs for job in self._jobs]
        epochs = [replica.epoch if open_ else np.inf for replica, open_ in zip(self._replicas, unfinished, strict=True)]
        behind: BoolArray = np.array(unfinished) & (np.array(epochs) == min(epochs))
        return behind

    def _epoch(self, taking_part: BoolArray, progress: Progress) -> None:
        start = time.perf_counter()
        rows = [int(row) for row in np.flatnonzero(taking_part)]
        for row in rows:
            replica = self._replicas[row]
            replica.epoch += 1
            self._objective.begin_epoch(replica.epoch, row, replica.data.train, self._measure(row))
        first = self._replicas[rows[0]]
        progress.describe(f"epoch {first.epoch} (accuracy {first.histories['val_acc'][-1]:.4f})")

        def beat() -> None:
            progress.advance(len(rows))
            for job in self._jobs:
                job.run.beat()

        sums = train_epoch(
            self._replicas, taking_part, self._circuits.backend, self._objective, self._circuits.gate_V, beat
        )
        sums.total_s = time.perf_counter() - start
        self._finish_epoch(rows, sums)

    def _finish_epoch(self, rows: Sequence[int], sums: Training | None) -> None:
        """Record training (none in epoch 0), validate, prune, and commit each replica by its checkpoint.

        An epoch that fails is not committed: a resumed run meets the failure again and does not go on behind it.
        """
        recorded = {row: self._record(row, sums) for row in rows}
        failures = {row: self._too_many_failed(row, validation, sums) for row, (_, validation) in recorded.items()}
        if sums is not None and self._prune is not None:
            failures |= self._prune_edges([row for row in rows if not failures[row]], self._prune)
        for row, (numbers, _) in recorded.items():
            job, replica, failure = self._jobs[row], self._replicas[row], failures[row]
            record.write_histories(job.run.folder, replica)
            job.run.metrics(record.metrics_row(replica, self._objective))
            if failure is None:
                save_checkpoint(job.run.folder, replica, self._circuits.state(row))
            job.run.log(record.epoch_line(replica, numbers))
            if warning := record.guessing_line(replica):
                job.run.log(warning)
            if failure is not None:
                job.fail(failure)

    def _record(self, row: int, sums: Training | None) -> tuple[dict[str, float], Validation]:
        folder, replica = self._jobs[row].run.folder, self._replicas[row]
        train = record.record_training(replica, row, self._objective, sums) if sums is not None else {}
        validation = self._circuits.outputs(row, replica.data.val, self._jobs[row].run.beat)
        val, diagnostics = record.record_validation(folder, replica, self._objective.replica(row), validation)
        if sums is not None:
            replica.histories["epoch_total_s"][-1] += validation.seconds
            record.write_epoch(folder, replica, self._objective, row)
            trained = {**train, **published.training_counts(sums, row)}
            loss = self._objective.loss_name
            record.write_summary(folder, replica, self._card, loss, trained, {**val, **diagnostics})
            replica.memory |= self._objective.epoch_arrays(row)
        return {**train, **val}, validation

    def _measure(self, row: int) -> Measure:
        return functools.partial(self._circuits.measure, row)

    def _too_many_failed(self, row: int, validation: Validation, sums: Training | None) -> RunError | None:
        """The failure of a replica of whose epoch too many operating points failed."""
        replica = self._replicas[row]
        failed = validation.reloads + validation.nonfinite
        solves = len(validation.status)
        if sums is not None:
            failed += int(sums.failures()[row])
            solves += int(sums.solves[row])
        if failed <= replica.config.max_failures * solves:
            return None
        return RunError(
            f"epoch {replica.epoch}: {failed} of {solves} operating points failed "
            f"(--max-failures allows {replica.config.max_failures:g} of them); {validation.advice()}"
        )

    def _prune_edges(self, rows: Sequence[int], prune: Prune) -> dict[int, RunError]:
        """Remove what the rule no longer keeps; returns the failures of replicas that would have no edge left."""
        keeps = {row: prune(self._replicas[row], self._card) for row in rows}
        fewer = {row: keep for row, keep in keeps.items() if keep.any() and not keep.all()}
        if fewer:
            self._circuits.prune(fewer)
        empty = "every transistor is below the cutoff; none would be left"
        return {row: RunError(f"epoch {self._replicas[row].epoch}: {empty}") for row in rows if not keeps[row].any()}
