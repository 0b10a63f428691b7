"""Solves of three networks for every body tie, and of transistors that differ: python a_few_solves.py FILE."""

import sys

import numpy as np

from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.circuit import BODY_TIES, CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import shipped
from benchmarks.native_hidden import layered, torus
from common.kernels.jit import PLAIN

ON = np.array([True])
NETWORKS = {"640 edges": shipped(), "torus": torus(4), "layers": layered(6, 9, 3)}


def solves(network, tie, own=None):
    """Node voltages (2 samples, free and clamped), outputs of both samples, and all statuses."""
    rng = np.random.default_rng(0)
    card, options = read_model_card(default_card_path()), CircuitOptions(body_tie=tie)
    backend = NativeBackend([network], card, options, deviations=[own])
    backend.set_gates(rng.uniform(0.5, 6.0, (1, network.n_edges)))
    input_V, clamped = rng.uniform(0.0, 1.0, (2, network.n_inputs)), np.arange(network.n_outputs)[None] % 5 == 1
    node_V, status = [], []
    for row_V in input_V[:, None]:
        free = backend.solve_free(row_V, ON)
        node_V.append(free.node_V.copy())
        status += free.status.tolist()
        nudged = backend.solve_clamped(row_V, free.node_V[:, network.out_nodes] + 0.03, clamped, ON)
        node_V.append(nudged.node_V.copy())
        status += nudged.status.tolist()
    many_V, ended = backend.solve_many(0, input_V)
    return {"node_V": np.array(node_V), "many_V": many_V, "status": np.array(status + ended.tolist())}


if __name__ == "__main__":
    cases = [(label, tie) for label in NETWORKS for tie in BODY_TIES]
    found = {
        f"{label} {tie} {name}": part for label, tie in cases for name, part in solves(NETWORKS[label], tie).items()
    }
    for label in ("640 edges", "torus"):
        network, rng = NETWORKS[label], np.random.default_rng(1)
        own = Deviations(rng.normal(0.0, 0.05, network.n_edges), rng.uniform(0.5, 1.5, network.n_edges))
        found |= {f"{label} different {name}": part for name, part in solves(network, "floating", own).items()}
    np.savez(sys.argv[1], plain=PLAIN, **found)
