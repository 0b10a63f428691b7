"""What a trained run's network costs: an inference of each test sample, an update by each training sample."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Status
from analog_nmos.deployment.measure import answers
from analog_nmos.deployment.trained import Trained
from analog_nmos.training.copies import SINKS, Copies
from analog_nmos.training.energy import free_states, network_of, sinks
from analog_nmos.training.epoch import Beat
from analog_nmos.training.replica import STUCK, Replica, new_replica
from common.errors import RunError

if TYPE_CHECKING:
    from analog_nmos.energy.costs import Costs, Network
    from analog_nmos.energy.options import CapacitanceOptions

FloatArray = NDArray[np.float64]


class Inference(NamedTuple):
    """Of the N test samples whose operating points converged."""

    sample: NDArray[np.int64]  # (N,) their numbers in the test set
    costs: Costs
    answer: FloatArray  # (N,) 1 or 0 for a right or wrong class, or the loss where answers are values


class Updates(NamedTuple):
    """Of the N training samples whose operating points converged; all but `sample` have shape (N,) and are floats.

    A sample that the objective skips has no clamped phase: NaN, and nothing is written.
    """

    sample: NDArray[np.int64]
    free_W: FloatArray
    free_s: FloatArray
    clamped_W: FloatArray
    clamped_s: FloatArray
    writing_J: FloatArray

    @property
    def energy_J(self) -> FloatArray:
        """Both phases, each at its power until it has settled, and the gates."""
        return self.free_W * self.free_s + np.nan_to_num(self.clamped_W * self.clamped_s) + self.writing_J


@dataclass(frozen=True, eq=False)
class RunEnergy:
    """What `energy_of` has found.

    Attributes:
        network: that of the free phase, with its gates.
        inference, updates: see there.
        asked: how many samples of the test and of the training part were taken.
    """

    network: Network
    inference: Inference
    updates: Updates
    asked: tuple[int, int]


class _Phases(NamedTuple):
    """What an update needs of one sample."""

    sample: int
    free_V: FloatArray
    free_sink_V: FloatArray
    clamped_V: FloatArray | None
    target_V: FloatArray  # VOUT in the clamped phase
    held: NDArray[np.bool_]


def energy_of(trained: Trained, held: CapacitanceOptions, samples: int, beat: Beat = lambda: None) -> RunEnergy:
    """Measure the first samples of the test and of the training part, with the run's own chip and temperatures.

    Gates are as the registers hold them, and readings have no noise. The clamped phase is that of coupled learning, as
    the run's objective clamps; what is written is the change of the published rule at the run's --gamma.

    Args:
        trained: the run, with the gates of one of its epochs.
        held: capacitances besides those of the card.
        samples: how many of each part at most.
        beat: called before every sample.

    Raises:
        InputError: see `make_backend`, and `energy.costs.Network`.
        RunError: no operating point converged, or a network does not settle.
    """
    replica = _replica(trained)
    copies = Copies.of([replica], trained.card)
    with contextlib.closing(copies):
        same = np.array_equal(replica.edge_uid, trained.replica.edge_uid)
        state = {name: array for name, array in trained.state.items() if same or name.endswith(SINKS)}
        copies.restore(0, state)
        inference = _inference(trained, replica, copies, held, samples, beat)
        copies.restore(0, state)
        updates = _updates(trained, replica, copies, held, samples, beat)
    network = network_of(replica, trained.card, held, replica.gate_V)
    data = replica.data
    return RunEnergy(network, inference, updates, (min(samples, len(data.test.y)), min(samples, len(data.train.y))))


def _replica(trained: Trained) -> Replica:
    ours = trained.replica
    found = new_replica(trained.config, ours.data, ours.start, ours.chip, ours.sign)
    found.take(trained.gates.gate_V, trained.gates.edge_uid)
    if STUCK in ours.memory and np.array_equal(found.edge_uid, ours.edge_uid):
        found.memory[STUCK] = ours.memory[STUCK]
    return found


def _inference(
    trained: Trained, replica: Replica, copies: Copies, held: CapacitanceOptions, samples: int, beat: Beat
) -> Inference:
    from analog_nmos.energy.power import free_loads

    backend = copies.test(0, replica.gate_V)
    node_V, sink_V, solved = free_states(
        backend, 0, 1, replica.topology.n_outputs, replica.data.test.x_V[:samples], beat
    )
    _some(solved, "test")
    network = network_of(replica, trained.card, held, replica.gate_V)
    costs = network.costs(node_V[solved], free_loads(network.options, sink_V[solved]))
    out_V = np.full((len(replica.data.test.y), replica.topology.n_outputs), np.nan)
    out_V[: len(solved)][solved] = node_V[solved][:, replica.topology.out_nodes]
    found = np.flatnonzero(solved)
    return Inference(found, costs, answers(trained, out_V)[found])


def _updates(
    trained: Trained, replica: Replica, copies: Copies, held: CapacitanceOptions, samples: int, beat: Beat
) -> Updates:
    from analog_nmos.energy.costs import Network
    from analog_nmos.energy.power import clamped_loads, free_loads

    phases = _walk(trained, replica, copies, samples, beat)
    _some(np.array([True for _ in phases], bool), "training")
    config, parts = replica.config, (trained.card, replica.topology, replica.config, held, replica.gate_V)
    first, second = (Network(*parts, own) for own in replica.deviations)
    second = second if config.has_two_circuits else first
    free_V, sink_V = np.array([one.free_V for one in phases]), np.array([one.free_sink_V for one in phases])
    free = first.costs(free_V, free_loads(config, sink_V), everywhere=True)
    clamped_W, clamped_s, writing_J = np.full(len(phases), np.nan), np.full(len(phases), np.nan), np.zeros(len(phases))
    at = [place for place, one in enumerate(phases) if one.clamped_V is not None]
    if at:
        clamped_V = np.array([phases[place].clamped_V for place in at])
        target_V, mask = (np.array([getattr(phases[place], name) for place in at]) for name in ("target_V", "held"))
        loads = clamped_loads(config, target_V, mask)
        clamped = second.costs(clamped_V, loads, clamps=True, everywhere=True)
        clamped_W[at], clamped_s[at] = clamped.power.total_W, clamped.settling_s
        writing_J[at] = first.writing_J(_steps_V(replica, free_V[at], clamped_V))
    number = np.array([one.sample for one in phases])
    return Updates(number, free.power.total_W, free.settling_s, clamped_W, clamped_s, writing_J)


def _walk(trained: Trained, replica: Replica, copies: Copies, samples: int, beat: Beat) -> list[_Phases]:
    """Both phases of each training sample, in their order; gates stay."""
    objective, data, on, found = trained.objective(), replica.data, np.ones(1, bool), []
    copies.set_gates(replica.gate_V[None])
    for sample, input_V in enumerate(data.train.x_V[:samples]):
        beat()
        sink_V = sinks(copies.first, 0, replica.topology.n_outputs)
        free = copies.first.solve_free(input_V[None], on)
        if free.status[0] != Status.CONVERGED:
            copies.first.reload(0)
            continue
        free_V = free.node_V[0].copy()
        out_V = free_V[None, replica.topology.out_nodes]
        score_V = data.readout.scores_V(out_V)
        evaluation = objective.evaluate(score_V, data.train.y[sample : sample + 1])
        target_V, held = data.readout.clamps(out_V, score_V, evaluation.target_V, evaluation.clamped)
        clamped_V: FloatArray | None = None
        if evaluation.active[0]:
            clamped = copies.second.solve_clamped(input_V[None], target_V, held, on)
            if clamped.status[0] != Status.CONVERGED:
                copies.second.reload(0)
                continue
            clamped_V = clamped.node_V[0].copy()
            # Outputs that are free in this phase still see what they were last clamped to.
            target_V = np.where(held, target_V, sinks(copies.second, 0, replica.topology.n_outputs))
        found.append(_Phases(sample, free_V, sink_V, clamped_V, target_V[0].copy(), held[0].copy()))
    return found


def _steps_V(replica: Replica, free_V: FloatArray, clamped_V: FloatArray) -> FloatArray:
    """By how much the published rule moves the gates (N, E) of each sample, from where they are."""
    drains, sources = replica.topology.edges_D, replica.topology.edges_S

    def squared(node_V: FloatArray) -> Any:
        return (node_V[:, drains] - node_V[:, sources]) ** 2

    step_V = -replica.sign * replica.config.gamma * (squared(clamped_V) - squared(free_V))
    moved_V = (replica.gate_V + step_V).clip(*replica.gate_range_V) - replica.gate_V
    return np.where(replica.stuck, 0.0, moved_V)


def _some(solved: NDArray[np.bool_], part: str) -> None:
    if not solved.any():
        raise RunError(f"no operating point of the {part} samples converged")
