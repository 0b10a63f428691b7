"""Power and energy of a network while it trains, for metrics.csv (--energy)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Backend, FloatArray, Status
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import SINKS, Copies
from analog_nmos.training.epoch import Beat
from analog_nmos.training.replica import Replica

if TYPE_CHECKING:
    from analog_nmos.energy.costs import Network
    from analog_nmos.energy.options import CapacitanceOptions

COLUMNS = ("power_W", "energy_J")


def measured(replica: Replica, row: int, copies: Copies, card: ModelCard, beat: Beat) -> dict[str, float]:
    """COLUMNS: mean power of the free states of all validation samples, mean energy of an inference of the first few.

    Nothing without --energy.

    The circuit is that of validation, with its gates as the registers hold them: nothing is drawn from a stream of
    noise, and the solver's state is put back, so that no number of training depends on it. Operating points that fail
    are left out; NaN where all do.

    Args:
        replica: after an epoch, and after pruning where there is any.
        row: its place among the replicas of `copies`.
        copies: the circuits.
        card: of the transistors.
        beat: called before every sample.
    """
    if not replica.config.energy:
        return {}
    backend = copies.test(row, replica.gate_V)
    state = backend.state(row)
    node_V, sink_V, solved = free_states(
        backend, row, copies.n_replicas, replica.topology.n_outputs, replica.data.val.x_V, beat
    )
    backend.restore(row, state)
    network = network_of(replica, card, replica.config, replica.gate_V)
    return averages(network, node_V[solved], sink_V[solved], int(solved[: replica.config.energy_samples].sum()))


def check(configs: Sequence[TrainerConfig], card: ModelCard) -> None:
    """Raise InputError where --energy asks for the currents of a card that the native solver does not model."""
    for config in configs:
        if config.energy:
            from analog_nmos.energy.costs import modelled

            modelled(card, config)


def averages(network: Network, node_V: FloatArray, sink_V: FloatArray, timed: int) -> dict[str, float]:
    """COLUMNS of free states (N, nodes) with VOUT (N, outputs), the first `timed` of which get a settling time."""
    from analog_nmos.energy.power import free_loads

    if not len(node_V):
        return dict.fromkeys(COLUMNS, float("nan"))
    total_W = network.power(node_V, free_loads(network.options, sink_V)).total_W
    energy_J = np.full(1, np.nan)
    if timed:
        energy_J = network.costs(node_V[:timed], free_loads(network.options, sink_V[:timed])).energy_J
    return dict(zip(COLUMNS, (float(total_W.mean()), float(energy_J.mean())), strict=True))


def network_of(replica: Replica, card: ModelCard, held: CapacitanceOptions, gate_V: FloatArray) -> Network:
    """The circuit that validates a replica, with gates (edges,)."""
    from analog_nmos.energy.costs import Network

    options: TrainerConfig = replica.config.test_options or replica.config
    return Network(card, replica.topology, options, held, gate_V, replica.deviations[0])


def free_states(
    backend: Backend, row: int, replicas: int, n_outputs: int, input_V: FloatArray, beat: Beat
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Voltages (N, nodes), VOUT (N, outputs) and which converged (N,), of one of so many replicas' circuits."""
    mask = np.arange(replicas) == row
    node_V: list[Any] = []
    solved = np.zeros(len(input_V), bool)
    for sample, own_V in enumerate(input_V):
        beat()
        solution = backend.solve_free(np.tile(own_V, (replicas, 1)), mask)
        node_V.append(solution.node_V[row].copy())
        solved[sample] = solution.status[row] == Status.CONVERGED
        if not solved[sample]:
            backend.reload(row)
    sink_V = sinks(backend, row, n_outputs)  # free phases leave it alone
    return np.array(node_V), np.tile(sink_V, (len(input_V), 1)), solved


def sinks(backend: Backend, row: int, n_outputs: int) -> FloatArray:
    """VOUT (outputs,) as the next free phase sees it; 0 V of a solver that keeps none."""
    found: FloatArray = backend.state(row).get(SINKS, np.zeros(n_outputs))
    return found
