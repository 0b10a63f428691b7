"""The core of all deployments: what trained gates reach at a number of points, each a chip with its noise."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips import Chip
from analog_nmos.chips.normals import Normals
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.deployment.trained import Gates, Trained
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import SECOND, SINKS, Copies, State
from analog_nmos.training.epoch import Beat, Validation, validate
from analog_nmos.training.replica import Replica, new_replica
from common.cli import check

FloatArray = NDArray[np.float64]
FIRST_SEED, SEED_STEP = 555_000, 7919  # of the noise of draws, as published
# Options that act on outputs or on gates, not on the circuit, at what leaves both as they are.
SILENT: dict[str, Any] = {"read_noise": "0", "gate_bits": 0, "gate_noise": 0.0, "gate_range": "", "noise_seed": 0}


@dataclass(frozen=True, eq=False)
class Point:
    """Where gates are deployed.

    Attributes:
        chip: whose first circuit they are written to; None for transistors that are all the card's.
        settings: options of the trainer in place of the run's, such as read_noise="0.5%", gate_bits=6, temp=60.0. The
            circuit is as in the run's validation (test_temp) unless temp is given. Gates beyond a gate_range that is
            given are written as its nearer end.
        seed: of the noise of reading and writing.
        gates: in place of those that the run is deployed with.
    """

    chip: Chip | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    seed: int = FIRST_SEED
    gates: Gates | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """What was found at a point on the test set.

    Attributes:
        value: accuracy as a fraction (a failed operating point counts as wrong), or the mean loss where answers are
            values (failed ones are left out).
        out_V: (samples, outputs) in V, as they are read; NaN where an operating point failed.
        failed: how many did.
    """

    value: float
    out_V: FloatArray
    failed: int


def draw_seed(draw: int) -> int:
    """The published seed of a draw of noise, counted from 0."""
    return FIRST_SEED + SEED_STEP * draw


def measure(trained: Trained, points: Sequence[Point], beat: Beat = lambda: None) -> list[Measured]:
    """Test gates at points, in their order; each has the numbers that it has alone.

    Points that differ in what is added to readings alone share the solution of the circuit. Where transistors are those
    that the run was trained on, the circuit is as its last epoch left it, so that a point with the run's own options
    has the recorded outputs to the last bit; any other chip's circuit is a new one.

    Args:
        trained: the run.
        points: where.
        beat: called before every few samples of a circuit that is solved.

    Raises:
        InputError: a chip does not fit the network, an option cannot be, or the solver has no such circuit.
    """
    kept: dict[Any, Validation] = {}
    return [_measured(trained, point, kept, beat) for point in points]


def replica_at(trained: Trained, point: Point) -> Replica:
    """A replica with a point's chip and gates, of one circuit."""
    config = _config(trained, point)
    if point.chip is not None:
        point.chip.check_fits(trained.replica.start)
    found = new_replica(config, trained.replica.data, trained.replica.start, point.chip, trained.replica.sign)
    gates = point.gates or trained.gates
    found.take(gates.gate_V, gates.edge_uid)
    if point.settings.get("gate_range"):
        found.gate_V = found.gate_V.clip(*found.gate_range_V)
    return found


def score(trained: Trained, out_V: FloatArray, gates: Gates | None = None) -> float:
    """Accuracy on the test set, or the mean loss where answers are values; arguments as of `answers`."""
    found = answers(trained, out_V, gates)
    known = found[np.isfinite(found)]
    return float(known.mean()) if known.size else float("nan")


def answers(trained: Trained, out_V: FloatArray, gates: Gates | None = None) -> FloatArray:
    """What each test sample counts (samples,): 1 or 0 for a right or wrong class, or the loss where answers are values.

    A failed operating point is wrong; where answers are values it is NaN.

    Args:
        trained: the run.
        out_V: outputs (samples, outputs) in V, NaN where an operating point failed.
        gates: that gave them, in place of those that the run is deployed with.
    """
    objective, data = trained.objective(), trained.replica.data
    classes = data.readout.answer.classes
    if gates is not None:
        objective.recall(0, gates.arrays)
    solved = np.isfinite(out_V).all(axis=1)
    found = np.full(len(out_V), 0.0 if classes else np.nan)
    if solved.any():
        evaluation = objective.evaluate(data.readout.scores_V(out_V[solved]), data.test.y[solved])
        found[solved] = evaluation.prediction == data.test.label[solved] if classes else evaluation.loss
    return found


def _measured(trained: Trained, point: Point, kept: dict[Any, Validation], beat: Beat) -> Measured:
    replica = replica_at(trained, point)
    replica.periphery.streams["tested"] = Normals(np.random.default_rng(point.seed))
    written_V = replica.periphery.written_V(replica.gate_V, "tested_gates")
    circuit = dataclasses.replace(replica.config, **SILENT)
    key = (point.chip, circuit, replica.edge_uid.tobytes(), written_V.tobytes())
    if key not in kept:
        kept[key] = _solved(trained, dataclasses.replace(point, settings={**point.settings, **SILENT}), written_V, beat)
    found = kept[key]
    out_V = replica.periphery.tested_V(found.out_V)
    return Measured(score(trained, out_V, point.gates), out_V, int(np.count_nonzero(found.status)))


def _solved(trained: Trained, point: Point, written_V: FloatArray, beat: Beat) -> Validation:
    """Outputs as they are, before they are read."""
    replica = replica_at(trained, point)
    copies = Copies.of([replica], trained.card)
    with contextlib.closing(copies):
        if state := _state(trained, replica):
            copies.restore(0, state)
        return validate(copies.test(0, written_V), 0, replica.data.test, beat, replica.periphery)


def _state(trained: Trained, replica: Replica) -> State:
    """What the run's first circuit remembered, for its own transistors; empty for others."""
    ours, theirs = replica.deviations[0], trained.replica.deviations[0]
    if not _alike(ours, theirs, replica, trained.replica):
        return {}
    state = {name: array for name, array in trained.state.items() if not name.startswith(SECOND)}
    same = np.array_equal(replica.edge_uid, trained.replica.edge_uid) and replica.config.temp == trained.config.temp
    return state if same else {name: array for name, array in state.items() if name == SINKS}


def _alike(ours: Deviations | None, theirs: Deviations | None, replica: Replica, other: Replica) -> bool:
    """Whether the transistors that both have are the same ones; None stands for those of the card."""
    both = np.intersect1d(replica.edge_uid, other.edge_uid)

    def numbers(own: Deviations | None, edge_uid: NDArray[np.int64]) -> FloatArray:
        found = np.tile([[0.0], [1.0]], replica.start.n_edges)
        if own is not None:
            found[:, edge_uid] = own.vto_offset_V, own.kp_factor
        return found[:, both]

    return np.array_equal(numbers(ours, replica.edge_uid), numbers(theirs, other.edge_uid))


def _config(trained: Trained, point: Point) -> TrainerConfig:
    """The run's options with a point's over them; of one circuit, as nothing is clamped."""
    settings = dict(point.settings)
    if "temp" in settings:
        settings["test_temp"] = None
    alone = {"chip": None, "chip_scale": 1.0, "one_circuit": True, "two_circuits": False, "noise_seed": point.seed}
    config = dataclasses.replace(trained.config, **{**alone, **settings})
    check(config)
    return config
