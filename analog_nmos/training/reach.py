"""What the outputs of a network can reach, and what its samples ask of them."""

from __future__ import annotations

import numpy as np

from analog_nmos.data.split import Data
from analog_nmos.readouts import Highest
from analog_nmos.topology import Topology
from analog_nmos.training.config import TrainerConfig
from common.errors import InputError

SLACK_V = 1e-9


def check_targets(data: Data, topology: Topology, config: TrainerConfig) -> None:
    """Raise InputError where scores aim outside of what they can reach.

    Transistors conduct between their ends alone: no output lies above the highest or below the lowest voltage that
    drives the network. One-hot aims give a direction only, and may lie outside.
    """
    answer = data.readout.answer
    if isinstance(answer, Highest):
        return
    parts = (data.train, data.val, data.test)
    aims_V = answer.aims_V(0.0) if answer.classes else np.concatenate([part.y for part in parts])
    low_V, high_V = _driven(data, topology, config)
    if data.readout.pairs:
        low_V, high_V = low_V - high_V, high_V - low_V
    if aims_V.min() < low_V - SLACK_V or aims_V.max() > high_V + SLACK_V:
        raise InputError(
            f"{data.name}: targets from {aims_V.min():g} to {aims_V.max():g} V; this network reaches "
            f"{low_V:g} to {high_V:g} V"
        )


def beyond_rails(data: Data, topology: Topology, config: TrainerConfig) -> str | None:
    """A warning where rails are joined to the network, and inputs lie beyond them; else None."""
    if config.inputs_beyond_rails or not _rails_V(topology, config):
        return None
    low_V, high_V = data.train.x_V.min(), data.train.x_V.max()
    if config.vminus <= low_V and high_V <= config.vplus:
        return None
    return (
        f"warning: inputs from {low_V:g} to {high_V:g} V lie beyond the rails, {config.vminus:g} to {config.vplus:g} V"
    )


def _driven(data: Data, topology: Topology, config: TrainerConfig) -> tuple[float, float]:
    """The lowest and the highest voltage that an input or a rail with an edge has in any sample."""
    joined = np.isin(topology.input_nodes, [topology.edges_D, topology.edges_S])
    inputs_V = np.concatenate([part.x_V[:, joined].ravel() for part in (data.train, data.val, data.test)])
    driven_V = [float(inputs_V.min()), float(inputs_V.max()), *_rails_V(topology, config)]
    return min(driven_V), max(driven_V)


def _rails_V(topology: Topology, config: TrainerConfig) -> list[float]:
    """Voltages of the rails that have edges."""
    rails = ((topology.negref, config.vminus), (topology.posref, config.vplus))
    return [rail_V for node, rail_V in rails if np.isin(node, [topology.edges_D, topology.edges_S])]
