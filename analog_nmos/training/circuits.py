"""The replicas' circuits: the solver built from their topologies, its state restored, and rebuilt after pruning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import BoolArray, FloatArray
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.data.split import Split
from analog_nmos.training.checkpoint import check_state, load_checkpoint
from analog_nmos.training.copies import SINKS, Copies, State
from analog_nmos.training.epoch import Beat, Validation, validate
from analog_nmos.training.replica import Replica, padded_gates


class Circuits:
    """The circuits of L replicas, each with the replica's topology, gate voltages and chip.

    Attributes:
        copies: the solvers; other objects after `prune`.
    """

    copies: Copies

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
            circuits.copies.restore(row, state)
        return circuits, [row in found for row in range(len(replicas))]

    def state(self, row: int) -> State:
        """The state of one replica's circuits; see `Copies.state`."""
        return self.copies.state(row)

    def outputs(self, row: int, part: Split, beat: Beat, gate_V: FloatArray | None = None) -> Validation:
        """Free outputs of one replica for all samples of a part, as its chip is written and read.

        Args:
            row: the replica.
            part: samples.
            beat: called before every few samples.
            gate_V: used instead of the replica's gate voltages, shape (edges,).
        """
        replica = self._replicas[row]
        written_V = replica.periphery.written_V(replica.gate_V if gate_V is None else gate_V, "tested_gates")
        return validate(self.copies.test(row, written_V), row, part, beat, replica.periphery)

    def measure(self, row: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """Free outputs (samples, outputs) in V and status (samples,) of one replica for inputs (samples, inputs).

        They are a part of training: its first circuit is written and read.
        """
        replica = self._replicas[row]
        gate_V = padded_gates(self._replicas)
        gate_V[row, : replica.gate_V.size] = replica.periphery.written_V(replica.gate_V, "gates")
        self.copies.set_gates(gate_V)
        out_V, status = self.copies.first.solve_many(row, input_V)
        return replica.periphery.tested_V(out_V, "free"), status

    def prune(self, keeps: Mapping[int, BoolArray]) -> None:
        """Remove edges of some replicas, given by row and mask (edges,) of those that stay.

        The solver's state of a pruned replica no longer fits and is dropped, except VOUT. The state of the other
        replicas is kept.
        """
        states = [self.state(row) for row in range(len(self._replicas))]
        for row, keep in keeps.items():
            states[row] = {name: array for name, array in states[row].items() if name.endswith(SINKS)}
            self._replicas[row].keep_edges(keep)
        self.close()
        self._build()
        for row, state in enumerate(states):
            self.copies.restore(row, state)

    def close(self) -> None:
        """Free the solvers."""
        self.copies.close()

    def _build(self) -> None:
        self.copies = Copies.of(self._replicas, self._card)
