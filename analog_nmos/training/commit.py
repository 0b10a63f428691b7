"""What complete epochs add to the growing files of a run: metrics.csv, checkpoint.npz, train_log.txt, and histories."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.training.checkpoint import Histories, State, save_checkpoint
from analog_nmos.training.replica import Replica
from common.runs import Run
from common.runs.files import write_array

COMMIT_S = 1.0


class Commits:
    """Commits the epochs of one run to disk, each as it ends or many at once.

    Where every epoch is a snapshot, each is committed at its end. Otherwise epochs may be so short that their files
    would take longer than they: they are committed once a second, and those that wait when the run ends, however it
    ends. A process that is killed loses at most that second and its last epoch, which a resumed run repeats. Rows go
    before the checkpoint that they belong to: a resumed run drops those without (`common.runs.metrics.keep_rows`).

    Histories have an array file each, replaced as a whole; these are always written once a second, and at the end. A
    file system takes longer to replace a file than to make one (ext4 sends the new one to the disk first), and there
    are a dozen of them; checkpoint.npz and metrics.csv hold all their numbers.

    Args:
        run: where to.
        replica: its replica, before its first epoch or at a checkpoint.
        each: commit each epoch at its end.
    """

    def __init__(self, run: Run, replica: Replica, *, each: bool) -> None:
        self._run, self._replica, self._each = run, replica, each
        self._histories = Histories(replica.histories)
        self._rows: list[Mapping[str, Any]] = []
        self._lines: list[str] = []
        self._state: State | None = None
        self._last = replica.epoch if replica.histories else -1  # that has ended
        self._committed = self._written = float("-inf")

    def add(self, row: Mapping[str, Any], lines: Sequence[str], circuit: Mapping[str, NDArray[Any]] | None) -> None:
        """An epoch has ended.

        Args:
            row: for metrics.csv.
            lines: for the log.
            circuit: the state of the replica's circuit; None for an epoch that failed, which gets no checkpoint.
        """
        self._rows.append(row)
        self._lines += lines
        self._last = self._replica.epoch
        if circuit is not None:
            self._state = State.of(self._replica, circuit)
        now = time.monotonic()
        if self._each or now - self._committed >= COMMIT_S:
            self._commit()
        if now - self._written >= COMMIT_S:
            self._write_histories()

    def write(self) -> None:
        """Bring all files to the last epoch that has ended; one that is under way is left out."""
        self._commit()
        self._write_histories()

    def _commit(self) -> None:
        """What has been written is forgotten at once: after an error, `write` may still add the rest."""
        self._run.metrics(*self._rows)
        self._rows.clear()
        if self._state is not None:
            save_checkpoint(self._run.folder, self._state, self._histories)
            self._state = None
        while self._lines:
            self._run.log(self._lines[0])
            del self._lines[0]
        self._committed = time.monotonic()

    def _write_histories(self) -> None:
        for name, values in self._histories.until(self._last).items():
            write_array(self._run.folder / f"0_{name}.npy", np.array(values))
        self._written = time.monotonic()
