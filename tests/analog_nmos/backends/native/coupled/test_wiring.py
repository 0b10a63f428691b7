"""Where edges go and how nodes are eliminated, against NumPy: few unknowns, bundles, single stars, fronts."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.backends.native.coupled import stars
from analog_nmos.backends.native.coupled.factor import factor, substitute
from analog_nmos.backends.native.coupled.fronts import WHOLE
from analog_nmos.backends.native.coupled.memory import keep_book
from analog_nmos.backends.native.coupled.wiring import wire
from benchmarks.native_hidden import layered, torus
from common.kernels.jit import compiled
from common.kernels.vectors import WIDTH


def mixed():
    """27 hidden nodes of which two see one output less, one is led to by an output, and two see each other."""
    topology = layered(5, 27, 3)
    drains, sources = topology.edges_D.copy(), topology.edges_S.copy()
    first, second, third, fourth, fifth = topology.hidden_nodes[:5]
    for hidden in (first, second):
        lost = (drains == hidden) & (sources == topology.out_nodes[1])
        sources[lost] = topology.out_nodes[0]  # now two edges go there
    turned = (drains == third) & (sources == topology.out_nodes[2])
    drains[turned], sources[turned] = topology.out_nodes[2], third
    drains, sources = np.append(drains, fourth), np.append(sources, fifth)
    return dataclasses.replace(topology, edges_D=drains, edges_S=sources)


NETWORKS = {
    "few unknowns": torus(4),
    "fronts": torus(12),
    "bundles": layered(5, 24, 3),
    "bundles and single stars": layered(5, 29, 2),
    "mixed": mixed(),
}


@compiled
def factored(w, memory):
    return stars.eliminate(w, memory.data, memory.load_S, memory.inverse, memory.entries) and factor(
        w.fronts, 0, memory.matrix, memory.data, memory.load_S, memory.inverse, memory.panel
    )


@compiled
def reply(w, memory, x):
    stars.forward(w, memory.data, x, memory.entries)
    substitute(w.fronts, memory.matrix, memory.inverse, x, memory.part)
    stars.backward(w, memory.data, memory.inverse, x)


def system(topology):
    """A wiring with random conductances (each edge's matrix is not symmetric), its memory, and the dense matrix."""
    wiring, rng = wire(topology), np.random.default_rng(0)
    _, (memory,) = keep_book([wiring])
    n, places = wiring.free.size, wiring.place.reshape(-1, 4)
    full = np.zeros((n, n))
    memory.load_S[:] = rng.uniform(1e-9, 1e-5, n)
    for slot in wiring.slot:
        by_drain, by_source = 10 ** rng.uniform(-6, -3, 2)
        ends = wiring.drain[slot], wiring.source[slot]
        values = (by_drain, -by_source, -by_drain, by_source)
        for place, value, (row, column) in zip(places[slot], values, [(0, 0), (0, 1), (1, 0), (1, 1)], strict=True):
            if max(ends[row], ends[column]) < n:
                memory.data[place] += value
                full[ends[row], ends[column]] += value
    return wiring, memory, full + np.diag(memory.load_S)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_reply_is_numpys_solution(name):
    wiring, memory, full = system(NETWORKS[name])
    assert factored(wiring, memory)
    memory.spare[:] = currents = np.random.default_rng(1).normal(0.0, 1e-5, wiring.free.size)
    reply(wiring, memory, memory.spare)
    np.testing.assert_allclose(memory.spare, np.linalg.solve(full, currents), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_node_that_nothing_holds_is_named(name):
    wiring, memory, _ = system(NETWORKS[name])
    memory.data[:] = 0.0
    memory.load_S[:] = 1.0
    assert factored(wiring, memory)
    for node in (0, wiring.free.size - 1):
        for bad in (0.0, np.nan):
            memory.data[:] = 0.0
            memory.load_S[:] = 1.0
            memory.load_S[node] = bad
            with np.errstate(all="ignore"):  # without a compiler, NumPy warns
                assert not factored(wiring, memory)


def test_which_nodes_are_bundled():
    assert NETWORKS["few unknowns"].n_outputs + NETWORKS["few unknowns"].hidden_nodes.size <= WHOLE
    for name, alike in (("few unknowns", 0), ("fronts", 0), ("bundles", 24), ("mixed", 22)):
        wiring = wire(NETWORKS[name])
        assert wiring.bundle.size == alike // WIDTH
        for output in wiring.outputs[wiring.shape]:
            both = wiring.source == output
            assert set(range(wiring.bundle.size * WIDTH)) <= set(wiring.drain[both].tolist())
