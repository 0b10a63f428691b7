"""The lanes' circuits: the one place where lanes get their solver, always from what the lanes are at that moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends import make_backend
from analog_nmos.backends.base import Backend, BoolArray, FloatArray
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.digits.data import Split
from analog_nmos.training.checkpoint import check_state, load_checkpoint
from analog_nmos.training.epoch import Beat, Validation, validate
from analog_nmos.training.replica import Lane

State = dict[str, NDArray[Any]]


class Circuits:
    """One circuit for each of L lanes, with the lane's topology and gate voltages.

    Attributes:
        backend: the solver; another object after `prune`.
        gate_V: gate voltages in volts, shape (L, most edges), padded. A lane's own `gate_V` is a view of its row, so
            that who trains the one trains the other.
    """

    backend: Backend
    gate_V: FloatArray

    def __init__(self, lanes: Sequence[Lane], card: ModelCard) -> None:
        """Circuits as they are at the start, with nothing remembered.

        Raises:
            InputError: see `make_backend`.
        """
        self._lanes, self._card = lanes, card
        self._build()

    @classmethod
    def at_checkpoints(
        cls, lanes: Sequence[Lane], folders: Sequence[Path | None], card: ModelCard
    ) -> tuple[Circuits, list[bool]]:
        """Bring the lanes to the checkpoints in their run folders, then build their circuits.

        Args:
            lanes: new ones, or restored ones.
            folders: of their runs; None for a run that has none yet.
            card: of all transistors.

        Returns:
            The circuits, and which of the lanes had a checkpoint.

        Raises:
            InputError: a checkpoint is damaged or does not fit; see also `make_backend`.
        """
        found: dict[int, tuple[Path, State]] = {}
        for row, (lane, folder) in enumerate(zip(lanes, folders, strict=True)):
            if folder and (state := load_checkpoint(folder, lane)) is not None:
                found[row] = folder, state
        circuits = cls(lanes, card)
        for row, (folder, state) in found.items():
            check_state(folder, state, circuits.state(row))
            circuits.backend.restore(row, state)
        return circuits, [row in found for row in range(len(lanes))]

    def state(self, row: int) -> State:
        """What one lane's circuit remembers; see `Backend.state`."""
        return self.backend.state(row)

    def outputs(self, row: int, part: Split, beat: Beat, gate_V: FloatArray | None = None) -> Validation:
        """Free outputs of one lane for all samples of a part.

        Args:
            row: the lane.
            part: samples.
            beat: called now and then.
            gate_V: other gate voltages than the lane's, shape (edges,).
        """
        self._set_gates(row, gate_V)
        return validate(self.backend, row, part, beat)

    def measure(self, row: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """Free outputs (samples, outputs) in volts of one lane and status (samples,) for inputs (samples, inputs)."""
        self._set_gates(row)
        return self.backend.solve_many(row, input_V)

    def prune(self, keeps: Mapping[int, BoolArray]) -> None:
        """Remove edges of some lanes, given by row and mask (edges,) of those that stay.

        What a solver remembers of single edges no longer fits a pruned lane and is dropped; VOUT is the circuit's own
        state and stays. The other lanes go on as if nothing had happened.
        """
        states = [self.state(row) for row in range(len(self._lanes))]
        for row, keep in keeps.items():
            states[row] = {"sink_V": states[row]["sink_V"]}
            self._lanes[row].keep_edges(keep)
        self.close()
        self._build()
        for row, state in enumerate(states):
            self.backend.restore(row, state)

    def close(self) -> None:
        """Free the solver."""
        self.backend.close()

    def _build(self) -> None:
        lanes, options = self._lanes, self._lanes[0].config
        self.backend = make_backend(options.backend, [lane.topology for lane in lanes], self._card, options)
        self.gate_V = np.zeros((len(lanes), max(lane.topology.n_edges for lane in lanes)))
        for row, lane in zip(self.gate_V, lanes, strict=True):
            own = row[: lane.topology.n_edges]
            own[:] = lane.gate_V
            lane.gate_V = own

    def _set_gates(self, row: int, gate_V: FloatArray | None = None) -> None:
        wanted = self.gate_V
        if gate_V is not None:
            wanted = wanted.copy()
            wanted[row, : gate_V.size] = gate_V
        self.backend.set_gates(wanted)
