"""The replicas' circuits: the solver built from their topologies, its state restored, and rebuilt after pruning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Backend, BoolArray, FloatArray
from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.data.split import Split
from analog_nmos.training.checkpoint import check_state, load_checkpoint
from analog_nmos.training.epoch import Beat, Validation, validate
from analog_nmos.training.replica import Replica, padded_gates

State = dict[str, NDArray[Any]]


class Circuits:
    """One circuit for each of L replicas, with the replica's topology and gate voltages.

    Attributes:
        backend: the solver; another object after `prune`.
    """

    backend: Backend

    def __init__(self, replicas: Sequence[Replica], card: ModelCard) -> None:
        """Circuits without any state of earlier solves.

        Raises:
            InputError: see `make_backend`.
        """
        self._replicas, self._card = replicas, card
        self._build()

    @classmethod
    def at_checkpoints(
        cls, replicas: Sequence[Replica], folders: Sequence[Path | None], card: ModelCard
    ) -> tuple[Circuits, list[bool]]:
        """Bring the replicas to the checkpoints in their run folders, then build their circuits.

        Args:
            replicas: new ones, or restored ones.
            folders: of their runs; None for a run that has none yet.
            card: of all transistors.

        Returns:
            The circuits, and which of the replicas had a checkpoint.

        Raises:
            InputError: a checkpoint is damaged or does not fit; see also `make_backend`.
        """
        found: dict[int, tuple[Path, State]] = {}
        for row, (replica, folder) in enumerate(zip(replicas, folders, strict=True)):
            if folder and (state := load_checkpoint(folder, replica)) is not None:
                found[row] = folder, state
        circuits = cls(replicas, card)
        for row, (folder, state) in found.items():
            check_state(folder, state, circuits.state(row))
            circuits.backend.restore(row, state)
        return circuits, [row in found for row in range(len(replicas))]

    def state(self, row: int) -> State:
        """The state of one replica's circuit; see `Backend.state`."""
        return self.backend.state(row)

    def outputs(self, row: int, part: Split, beat: Beat, gate_V: FloatArray | None = None) -> Validation:
        """Free outputs of one replica for all samples of a part.

        Args:
            row: the replica.
            part: samples.
            beat: called before every few samples.
            gate_V: used instead of the replica's gate voltages, shape (edges,).
        """
        self._set_gates(row, gate_V)
        return validate(self.backend, row, part, beat)

    def measure(self, row: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """Free outputs (samples, outputs) in V and status (samples,) of one replica for inputs (samples, inputs)."""
        self._set_gates(row)
        return self.backend.solve_many(row, input_V)

    def prune(self, keeps: Mapping[int, BoolArray]) -> None:
        """Remove edges of some replicas, given by row and mask (edges,) of those that stay.

        The solver's state of a pruned replica no longer fits and is dropped, except VOUT. The state of the other
        replicas is kept.
        """
        states = [self.state(row) for row in range(len(self._replicas))]
        for row, keep in keeps.items():
            states[row] = {name: array for name, array in states[row].items() if name == "sink_V"}
            self._replicas[row].keep_edges(keep)
        self.close()
        self._build()
        for row, state in enumerate(states):
            self.backend.restore(row, state)

    def close(self) -> None:
        """Free the solver."""
        self.backend.close()

    def _build(self) -> None:
        options, topologies = self._replicas[0].config, [replica.topology for replica in self._replicas]
        self.backend = make_backend(options.backend, topologies, self._card, options)

    def _set_gates(self, row: int, gate_V: FloatArray | None = None) -> None:
        wanted = padded_gates(self._replicas)
        if gate_V is not None:
            wanted[row, : gate_V.size] = gate_V
        self.backend.set_gates(wanted)
