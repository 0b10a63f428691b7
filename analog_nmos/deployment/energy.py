"""What a trained run's network costs: an inference of each test sample, an update by each training sample."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.deployment.measure import answers
from analog_nmos.deployment.trained import Trained
from analog_nmos.deployment.updates import Updates, updates_of
from analog_nmos.training.copies import SINKS, Copies
from analog_nmos.training.energy import free_states, network_of
from analog_nmos.training.epoch import Beat
from analog_nmos.training.replica import RULE, STUCK, Replica, new_replica
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


def energy_of(trained: Trained, held: CapacitanceOptions, samples: int, beat: Beat = lambda: None) -> RunEnergy:
    """Measure the first samples of the test and of the training part, with the run's own chip and temperatures.

    Gates are as the registers hold them, and readings have no noise.

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
        updates = updates_of(trained, replica, copies, held, samples, beat)
    network = network_of(replica, trained.card, held, replica.gate_V)
    data = replica.data
    return RunEnergy(network, inference, updates, (min(samples, len(data.test.y)), min(samples, len(data.train.y))))


def _replica(trained: Trained) -> Replica:
    ours = trained.replica
    found = new_replica(trained.config, ours.data, ours.start, ours.chip, ours.sign)
    found.take(trained.gates.gate_V, trained.gates.edge_uid)
    if np.array_equal(found.edge_uid, ours.edge_uid):
        found.memory = {name: ours.memory[name].copy() for name in (STUCK, RULE) if name in ours.memory}
    return found


def _inference(
    trained: Trained, replica: Replica, copies: Copies, held: CapacitanceOptions, samples: int, beat: Beat
) -> Inference:
    from analog_nmos.energy.power import free_loads

    backend = copies.test(0, replica.gate_V)
    node_V, sink_V, solved = free_states(
        backend, 0, 1, replica.topology.n_outputs, replica.data.test.x_V[:samples], beat
    )
    if not solved.any():
        raise RunError("no operating point of the test samples converged")
    network = network_of(replica, trained.card, held, replica.gate_V)
    costs = network.costs(node_V[solved], free_loads(network.options, sink_V[solved]))
    out_V = np.full((len(replica.data.test.y), replica.topology.n_outputs), np.nan)
    out_V[: len(solved)][solved] = node_V[solved][:, replica.topology.out_nodes]
    found = np.flatnonzero(solved)
    return Inference(found, costs, answers(trained, out_V)[found])
