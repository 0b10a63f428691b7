"""The trainer of all commands: epochs, validation, pruning and checkpoints of networks that train side by side."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.data.split import Split
from analog_nmos.objectives.base import Objective
from analog_nmos.objectives.settings import hyperparameters, objective_class
from analog_nmos.training import damage, energy, published, record
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.commit import Commits
from analog_nmos.training.compiled import prepare, train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.epoch import Training, Validation
from analog_nmos.training.metric import metric_of, words
from analog_nmos.training.opening import check_data, check_shared, check_sizes, load_replica, shared_card
from analog_nmos.training.pruning import check_threshold, edges_that_stay
from analog_nmos.training.reach import beyond_rails
from analog_nmos.training.replica import Replica
from analog_nmos.training.snapshots import is_snapshot, snapshot_step
from analog_nmos.training.summary import finish
from common.errors import RunError
from common.experiment import Result, Start
from common.progress import Progress
from common.runs import Run
from common.runs.metrics import keep_rows

DESCRIBE_S = 0.1  # between two texts of the progress bar


@contextlib.contextmanager
def open_trainer(configs: Sequence[TrainerConfig], starts: Sequence[Start]) -> Iterator[NmosTrainer]:
    """Load and check everything that the runs need; see `common.experiment.Experiment.open`.

    The configurations may differ in seed and hyperparameters, not in what `config.SHARED` names; each has the numbers
    that it would have alone.

    Raises:
        InputError: the settings contradict each other, or a file is missing or damaged.
    """
    check_shared(configs)
    folders = [start.folder if start.begun else None for start in starts]
    card = shared_card(configs, folders)
    if configs[0].prunes:
        check_threshold(card)
    energy.check(configs, card)
    kind = objective_class(configs[0].trains)
    settings = [hyperparameters(kind, config) for config in configs]
    replicas = [load_replica(config, folder, card.sign) for config, folder in zip(configs, folders, strict=True)]
    check_sizes(replicas)
    for replica, start in zip(replicas, starts, strict=True):
        check_data(replica.data, start.meta, start.folder)
    kind.check_answer(configs[0].trains, replicas[0].data.readout, replicas[0].data.name)
    objective = kind.of(settings, replicas[0].data.readout)
    # The circuits are built once before a folder is touched, to see that they can be.
    with contextlib.closing(Circuits.at_checkpoints(replicas, folders, card)[0]) as circuits:
        version = circuits.copies.first.version
    trainer = NmosTrainer(replicas, objective, card, version, [start.meta.get("timestamp") for start in starts])
    with contextlib.closing(trainer):
        yield trainer


class NmosTrainer:
    """Trains replicas epoch by epoch; they share a solver, and one that fails does not stop the others.

    Args:
        replicas: at their checkpoints, or new.
        objective: of all of them.
        card: of all transistors.
        version: of the backend.
        begun: when each run began, as its run_meta.json says; None for a new run.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        objective: Objective,
        card: ModelCard,
        version: str,
        begun: Sequence[str | None],
    ) -> None:
        self.replicas, self.objective, self.card, self.version = replicas, objective, card, version
        self.configs = [replica.config for replica in replicas]
        self.units = sum(replica.config.epochs * len(replica.data.train.y) for replica in replicas)
        self._begun = begun
        self._runs: Sequence[Run] = ()
        self._circuits: Circuits | None = None
        self._commits: list[Commits] = []
        self._lines: dict[int, list[str]] = {}  # that the next epoch commits, by row
        self._described = float("-inf")

    def facts(self, folders: Sequence[Path]) -> list[dict[str, Any]]:
        """What run_meta.json holds besides the configuration."""
        return [self._facts(replica, begun) for replica, begun in zip(self.replicas, self._begun, strict=True)]

    def begin(self, runs: Sequence[Run], progress: Progress) -> None:
        """Bring the replicas to their checkpoints; new ones write their first files, and validate (epoch 0)."""
        self._runs, self._progress = runs, progress
        # Read again: until now another process could have changed the folders.
        self._circuits, restored = Circuits.at_checkpoints(self.replicas, [run.folder for run in runs], self.card)
        for row, (replica, run) in enumerate(zip(self.replicas, runs, strict=True)):
            keep_rows(run.folder, replica.epoch + 1 if restored[row] else 0)
            commits = Commits(run, replica, each=snapshot_step(replica.config) == 1)
            self._commits.append(commits)
            run.before_end(commits.write)
            self.objective.recall(row, replica.memory)
            progress.skip(replica.epoch * len(replica.data.train.y))
            if not restored[row]:
                record.write_start(run.folder, replica, self.card)
                beyond = beyond_rails(replica.data, replica.topology, replica.config)
                for warning in filter(None, (beyond, damage.warning_if_never(replica))):
                    run.log(warning)
        self._finish_epoch([row for row, there in enumerate(restored) if not there], None)
        prepare(self.replicas, self.circuits.copies, self.objective)

    def advance(self) -> bool:
        """The next epoch of the replicas that are furthest behind; False if all have failed or done their last one."""
        behind = self._furthest_behind()
        self._damage([int(row) for row in np.flatnonzero(behind)])
        alive = behind & [run.failure is None for run in self._runs]
        if alive.any():
            self._epoch(alive)
        return bool(behind.any())

    def finish(self) -> list[Result | None]:
        """The last files of every run that has not failed, and what it ends with."""
        return [self._finish(row) if run.failure is None else None for row, run in enumerate(self._runs)]

    def evaluate(
        self, row: int, gate_V: FloatArray, arrays: Mapping[str, FloatArray], part: Split
    ) -> tuple[float, FloatArray]:
        """Accuracy of one replica (or its mean loss where answers are values), and outputs (samples, outputs) in volts.

        Args:
            row: the replica.
            gate_V: gate voltages to use, shape (edges,).
            arrays: what the objective measured with them; see `Objective.epoch_arrays`.
            part: samples.
        """
        self.objective.recall(row, arrays)
        validation = self.circuits.outputs(row, part, self._runs[row].beat, gate_V)
        solved = np.isfinite(validation.out_V).all(axis=1)
        readout = self.replicas[row].data.readout
        evaluation = self.objective.replica(row).evaluate(readout.scores_V(validation.out_V[solved]), part.y[solved])
        if not readout.answer.classes:
            return float(evaluation.loss.mean()), validation.out_V
        return float((evaluation.prediction == part.y[solved]).sum() / len(part.y)), validation.out_V

    def _measure(self, row: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """See `objectives.base.Measure`."""
        out_V, status = self.circuits.measure(row, input_V)
        return self.replicas[row].data.readout.scores_V(out_V), status

    @property
    def circuits(self) -> Circuits:
        """The replicas' circuits, from `begin` on."""
        assert self._circuits is not None
        return self._circuits

    def close(self) -> None:
        """Free the solver."""
        if self._circuits is not None:
            self._circuits.close()

    def _facts(self, replica: Replica, begun: str | None) -> dict[str, Any]:
        known = published.run_facts(replica, type(self.objective), self.card)
        shape = {"inputs": replica.start.n_inputs, "outputs": replica.start.n_outputs}
        parts = ("train", "val", "test")
        return {
            "timestamp": begun or datetime.now(UTC).isoformat(timespec="seconds"),
            "backend_version": self.version,
            **known,
            "objective": {
                "name": replica.config.trains,
                "loss": self.objective.loss_name,
                "label": self.objective.loss_label,
            },
            "topology": {**shape, **known["topology"]},
            "model_card": {"kind": self.card.kind, "model": self.card.model, "instance": self.card.instance},
            "samples": {part: len(getattr(replica.data, part).y) for part in parts},
            "validated_on": replica.data.validated_on,
            **replica.config.facts(replica.data),
        }

    def _furthest_behind(self) -> BoolArray:
        """Which replicas train next: the unfinished ones with the fewest epochs (after a kill they may differ)."""
        pairs = list(zip(self.replicas, self._runs, strict=True))
        unfinished = [run.failure is None and replica.epoch < replica.config.epochs for replica, run in pairs]
        epochs = [replica.epoch if open_ else np.inf for replica, open_ in zip(self.replicas, unfinished, strict=True)]
        behind: BoolArray = np.array(unfinished) & (np.array(epochs) == min(epochs))
        return behind

    def _epoch(self, mask: BoolArray) -> None:
        start = time.perf_counter()
        rows = [int(row) for row in np.flatnonzero(mask)]
        for row in rows:
            replica = self.replicas[row]
            replica.epoch += 1
            self.objective.begin_epoch(replica.epoch, row, replica.data.train, functools.partial(self._measure, row))
        if start - self._described >= DESCRIBE_S:
            self._described, first = start, self.replicas[rows[0]]
            metric = metric_of(first.data, self.objective.loss_name)
            self._progress.describe(f"epoch {first.epoch} ({words(metric, first.histories[metric][-1])})")

        def beat(samples: int) -> None:
            self._progress.advance(samples * len(rows))
            for run in self._runs:
                run.beat()

        sums = train_replicas(self.replicas, mask, self.circuits.copies, self.objective, beat)
        for row in rows:
            self.replicas[row].leak()
        sums.total_s = time.perf_counter() - start
        self._finish_epoch(rows, sums)

    def _finish_epoch(self, rows: Sequence[int], sums: Training | None) -> None:
        """Record training (none in epoch 0), validate, prune, and commit each replica by its checkpoint.

        An epoch that fails is not committed: a resumed run repeats it.
        """
        recorded = {row: self._record(row, sums) for row in rows}
        failures = {row: self._too_many_failed(row, validation, sums) for row, (_, validation) in recorded.items()}
        if sums is not None and self.configs[0].prunes:
            failures |= self._prune([row for row in rows if not failures[row]])
        for row, (numbers, _) in recorded.items():
            replica, failure = self.replicas[row], failures[row]
            shown = failure is not None or is_snapshot(replica.config, replica.epoch)
            lines = [*self._lines.pop(row, []), *([record.epoch_line(replica, numbers)] if shown else [])]
            if warning := record.guessing_line(replica):
                lines.append(warning)
            circuit = self.circuits.state(row) if failure is None else None
            cost = energy.measured(replica, row, self.circuits.copies, self.card, self._runs[row].beat)
            self._commits[row].add({**record.metrics_row(replica, self.objective), **cost}, lines, circuit)
            if failure is not None:
                self._runs[row].finish(failure)

    def _damage(self, rows: Sequence[int]) -> None:
        """Break the transistors whose time has come, and validate those networks once more; some runs may end here.

        The next epoch commits it.
        """
        broken, failures = damage.break_transistors({row: self.replicas[row] for row in rows}, self.circuits)
        for row, edges in broken.items():
            replica, run = self.replicas[row], self._runs[row]
            validation = self.circuits.outputs(row, replica.data.val, run.beat)
            if failure := self._too_many_failed(row, validation, None):
                failures[row] = RunError(f"right after the damage: {failure}")
            numbers, _ = record.evaluated(replica, self.objective.replica(row), validation)
            self._lines[row] = damage.record_strike(run.folder, replica, self.objective.loss_name, edges, numbers)
        for row, failure in failures.items():
            self._runs[row].finish(failure)

    def _record(self, row: int, sums: Training | None) -> tuple[dict[str, float], Validation]:
        run, replica = self._runs[row], self.replicas[row]
        folder = run.folder if is_snapshot(replica.config, replica.epoch) else None
        train = record.record_training(replica, row, self.objective, sums) if sums is not None else {}
        validation = self.circuits.outputs(row, replica.data.val, run.beat)
        val, diagnostics = record.record_validation(folder, replica, self.objective.replica(row), validation)
        if sums is not None:
            replica.histories["epoch_total_s"][-1] += validation.seconds
            replica.memory |= self.objective.epoch_arrays(row)
            if folder is not None:
                record.write_epoch(folder, replica, self.objective, row, sums)
                trained = {**train, **published.training_counts(sums, row)}
                record.write_summary(folder, replica, self.card, self.objective, trained, {**val, **diagnostics})
        return {**train, **val}, validation

    def _finish(self, row: int) -> Result:
        replica, run = self.replicas[row], self._runs[row]
        self._commits[row].write()
        measured, evaluate = self.objective.epoch_arrays(row), functools.partial(self.evaluate, row)
        return finish(replica, run, self.objective.loss_name, self.card, measured, evaluate)

    def _too_many_failed(self, row: int, validation: Validation, sums: Training | None) -> RunError | None:
        """The error of a replica if too many operating points of its epoch failed, else None."""
        replica = self.replicas[row]
        # Counting by kind takes longer than an epoch of a few samples; there is nearly always nothing to count.
        failed = validation.reloads + validation.nonfinite if validation.status.any() else 0
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

    def _prune(self, rows: Sequence[int]) -> dict[int, RunError]:
        """Remove the edges below the cutoff; returns the failures of replicas that would have none left."""
        keeps = {row: edges_that_stay(self.replicas[row], self.card) for row in rows}
        fewer = {row: keep for row, keep in keeps.items() if keep.any() and not keep.all()}
        if fewer:
            self.circuits.prune(fewer)
        empty = "every transistor is below the cutoff; none would be left"
        return {row: RunError(f"epoch {self.replicas[row].epoch}: {empty}") for row in rows if not keeps[row].any()}
