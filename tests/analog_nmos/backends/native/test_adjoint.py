"""Exact sensitivities against central differences of the solver, and against dense equations that share no code."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from analog_nmos.backends.base import Sensitivity, Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology, built, dense
from analog_nmos.topology.layered import Layered
from common.errors import InputError

LEVEL1 = runpy.run_path(str(Path(__file__).with_name("level1.py")))
CARD = read_model_card(default_card_path())
ON = np.ones(1, bool)
STEP_V = 1e-5


def grid(side: int = 4) -> Topology:
    """A periodic grid of side x side nodes joined to their right and lower neighbours: rails, 4 inputs, 3 outputs."""
    node = np.arange(1, side * side + 1).reshape(side, side)
    drains = np.concatenate([node.ravel(), node.ravel()])
    sources = np.concatenate([np.roll(node, -1, 1).ravel(), np.roll(node, -1, 0).ravel()])
    flat = node.ravel()
    return Topology(1, 2, flat[5:9], flat[2:5], drains, sources, hidden_nodes=flat[9:])


# One unknown an output; the whole inverse; fronts; bundles of stars with single ones; fronts and stars.
NETWORKS = {
    "alone": dense(6, 3),
    "whole": grid(4),
    "fronts": grid(7),
    "stars": built(Layered(layers=(3, 27, 2))),
    "both": built(Layered(layers=(3, 8, 20, 2))),
}


def pmos(folder: Path) -> ModelCard:
    text = default_card_path().read_text().replace("nmos", "pmos").replace("vto=0.75", "vto=-0.75")
    (folder / "card.lib").write_text(text)
    return read_model_card(folder / "card.lib")


class Circuit(NamedTuple):
    """A network with its gates, inputs and weights of outputs."""

    topology: Topology
    card: ModelCard
    options: CircuitOptions
    gate_V: np.ndarray
    own: Deviations
    input_V: np.ndarray
    weight: np.ndarray

    def solver(self, deviations: bool = True) -> NativeBackend:
        own = self.own if deviations else None
        backend = NativeBackend([self.topology], self.card, self.options, tolerance_V=1e-13, deviations=[own])
        backend.set_gates(self.gate_V[None])
        return backend


def drawn(seed: int, name: str, card: ModelCard = CARD, deviates: bool = True, **options: Any) -> Circuit:
    """Gates from far below the threshold to deep in the linear region."""
    rng, topology = np.random.default_rng(seed), NETWORKS[name]
    n, sign = topology.n_edges, card.sign
    own = Deviations(rng.normal(0.0, 0.05, n) * deviates, 1.0 + rng.uniform(-0.3, 0.3, n) * deviates)
    gate_V, input_V = sign * rng.uniform(0.5, 4.0, n), sign * rng.uniform(0.0, 1.0, topology.n_inputs)
    return Circuit(topology, card, CircuitOptions(**options), gate_V, own, input_V, rng.normal(size=topology.n_outputs))


def differences(circuit: Circuit, step: float) -> np.ndarray:
    """Central differences by gate voltage, threshold and kp, (3, E): each shifted circuit is a replica."""
    n, own = circuit.topology.n_edges, circuit.own
    gates, offsets, factors = (np.tile(values, (6 * n, 1)) for values in (circuit.gate_V, *_numbers(own)))
    for k, values in enumerate((gates, offsets, factors)):
        edge = np.arange(n)
        values[2 * k * n + edge, edge] += step
        values[(2 * k + 1) * n + edge, edge] -= step
    deviations = [Deviations(*pair) for pair in zip(offsets, factors, strict=True)]
    parts = ([circuit.topology] * 6 * n, circuit.card, circuit.options)
    backend = NativeBackend(*parts, tolerance_V=1e-13, deviations=deviations)
    backend.set_gates(gates)
    found = backend.solve_free(np.tile(circuit.input_V, (6 * n, 1)), np.ones(6 * n, bool))
    assert not found.status.any()
    values = (found.node_V[:, circuit.topology.out_nodes] @ circuit.weight).reshape(3, 2, n)
    return (values[:, 0] - values[:, 1]) / (2 * step)


def _numbers(own: Deviations) -> tuple[np.ndarray, np.ndarray]:
    return own.vto_offset_V, own.kp_factor


def rows(found: Sensitivity, row: int = 0) -> np.ndarray:
    return np.stack([found.by_gate[row], found.by_vto[row], found.by_kp[row]])


def assert_close(found: np.ndarray, expected: np.ndarray, bound: float = 1e-6) -> None:
    """Each row to a share of its norm."""
    error, norm = np.linalg.norm(found - expected, axis=1), np.linalg.norm(expected, axis=1)
    assert (norm > 1e-4).all()
    assert (error < bound * norm).all(), error / norm


CIRCUITS: list[tuple[str, dict[str, Any]]] = [
    ("alone", {}),
    ("alone", {"body_tie": "floating"}),
    ("alone", {"body_tie": "source", "gate_ref": "source"}),
    ("alone", {"body_tie": "drain", "gate_ref": "body", "rshunt": 1e6}),
    ("alone", {"body_res": 0.0, "gate_ref": "drain", "rshunt": 1e6}),
    ("whole", {}),
    ("whole", {"body_tie": "floating", "deviates": False}),
    ("whole", {"body_tie": "source"}),
    ("whole", {"body_tie": "drain", "gate_ref": "source"}),
    ("whole", {"body_res": 0.0, "body_tie": "source", "gate_ref": "drain"}),
    ("whole", {"body_tie": "floating", "gate_ref": "body", "rshunt": 1e6}),
    ("fronts", {}),
    ("fronts", {"body_tie": "floating"}),
    ("fronts", {"gate_ref": "source", "rshunt": 1e6}),
    ("fronts", {"body_tie": "source", "body_res": 0.0, "deviates": False}),
    ("stars", {}),
    ("stars", {"body_tie": "source"}),
    ("stars", {"gate_ref": "drain", "body_tie": "floating", "rshunt": 1e6}),
    ("both", {}),
    ("both", {"body_tie": "drain", "body_res": 1e4}),
]


def assert_by_differences(seed: int, name: str, card: ModelCard = CARD, **options: Any) -> None:
    """The first draw that has no edge near a kink, where differences of two steps would differ, is compared."""
    for attempt in range(5):
        circuit = drawn(100 * attempt + seed, name, card, **options)
        expected, wider = differences(circuit, STEP_V), differences(circuit, 10 * STEP_V)
        if (np.linalg.norm(wider - expected, axis=1) < 1e-5 * np.linalg.norm(expected, axis=1)).all():
            break
    else:
        pytest.fail("every draw has an edge near a kink")
    found = circuit.solver(options.get("deviates", True)).adjoint(circuit.input_V[None], circuit.weight[None], ON)
    assert found.status.tolist() == [Status.CONVERGED]
    assert_close(rows(found), expected)


@pytest.mark.parametrize(("seed", "name", "options"), [(k, *each) for k, each in enumerate(CIRCUITS)])
def test_random_circuits_by_central_differences(seed: int, name: str, options: dict[str, Any]) -> None:
    assert_by_differences(seed, name, **options)


@pytest.mark.parametrize("name", ["alone", "whole", "stars"])
def test_a_pmos_by_central_differences(tmp_path: Path, name: str) -> None:
    assert_by_differences(50, name, pmos(tmp_path), gate_ref="source", body_tie="drain", rshunt=1e6)


def _batch(circuit: Circuit, gate_V: np.ndarray, offset_V: np.ndarray, factor: np.ndarray) -> Any:
    """The circuit as `level1` takes it; unknowns are outputs, then hidden nodes."""
    topology, options = circuit.topology, circuit.options
    free = np.concatenate([topology.out_nodes, topology.hidden_nodes])
    order = np.concatenate([free, [topology.negref, topology.posref], topology.input_nodes])
    number = np.zeros(topology.max_node + 1, int)
    number[order] = np.arange(order.size)
    model, size = circuit.card.model, circuit.card.instance
    card = {name: np.array([model[name]]) for name in ("gamma", "phi", "lambda")} | {"is": np.array([1e-14])}
    card |= {"vto": (model["vto"] + offset_V)[None], "kp": (model["kp"] * factor)[None]}
    card |= {"rd": np.array([model["rsh"] * size["nrd"]]), "rs": np.array([model["rsh"] * size["nrs"]])}
    card["w_l"] = np.array([size["w"] / size["l"]])
    names = ("gmin", "rshunt", "body_res", "temp", "tnom")
    numbers = {name: np.array([getattr(options, name)]) for name in names}
    series_S = np.where(np.arange(free.size) < topology.n_outputs, 1 / options.rs_free, 0.0)
    return LEVEL1["Batch"](
        n_free=free.size,
        ends=np.stack([number[topology.edges_D], number[topology.edges_S]], 1)[None],
        fixed_V=np.concatenate([[options.vminus, options.vplus], circuit.input_V])[None],
        gate_V=gate_V[None],
        series_S=series_S[None],
        sink_V=np.zeros((1, free.size)),
        options=numbers | {"tie": np.array([options.body_tie]), "gate_ref": np.array([options.gate_ref])},
        card=card,
    )


def dense_adjoint(circuit: Circuit) -> np.ndarray:
    """All nodes of all transistors in one dense system, of NumPy in long double: J^T l = c, then -l dF/dp."""
    topology = circuit.topology
    given = (circuit.gate_V, *_numbers(circuit.own))
    free_V = circuit.solver().solve_free(circuit.input_V[None], ON).node_V[0]
    free_V = free_V[np.concatenate([topology.out_nodes, topology.hidden_nodes])]
    batch = _batch(circuit, *given)
    x, size = LEVEL1["solve"](batch, free_V[None])
    assert size[0] < 1e-12
    jacobian = LEVEL1["equations"](batch, LEVEL1["device"](batch), x)[1][0]
    weight = np.zeros(x.shape[1])
    weight[: topology.n_outputs] = circuit.weight
    multiplier = LEVEL1["eliminate"](jacobian.T[None], weight[None].astype(x.dtype))[0]
    expected = np.zeros((3, topology.n_edges))
    for k in range(3):
        for e in range(topology.n_edges):
            residuals = []
            for sign in (1, -1):
                moved = [values.copy() for values in given]
                moved[k][e] += sign * 1e-6
                other = _batch(circuit, *moved)
                residuals.append(LEVEL1["equations"](other, LEVEL1["device"](other), x)[0][0])
            expected[k, e] = -multiplier @ (residuals[0] - residuals[1]) / 2e-6
    return expected


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("alone", {"body_tie": "floating"}),
        ("alone", {"gate_ref": "source", "body_tie": "drain", "rshunt": 1e6}),
        ("whole", {}),
        ("whole", {"gate_ref": "body", "body_tie": "floating", "rshunt": 1e6}),
        ("whole", {"gate_ref": "drain", "body_tie": "source", "body_res": 0.0}),
    ],
)
def test_the_dense_equations_of_all_nodes_say_the_same(name: str, options: dict[str, Any]) -> None:
    circuit = drawn(7, name, **options)
    found = circuit.solver().adjoint(circuit.input_V[None], circuit.weight[None], ON)
    assert_close(rows(found), dense_adjoint(circuit), 1e-8)


@pytest.mark.parametrize("name", NETWORKS)
def test_it_leaves_no_trace(name: str) -> None:
    """Phases before and after have the bits that they have without it, and so has what a checkpoint keeps."""
    circuit = drawn(8, name, body_tie="source")
    with_it, without = circuit.solver(), circuit.solver()
    rng, found = np.random.default_rng(9), []
    for turn in range(3):
        input_V, other_V = rng.uniform(0, 1, (2, 1, circuit.topology.n_inputs))
        target_V = rng.uniform(0, 0.5, (1, circuit.topology.n_outputs))
        for backend in (with_it, without):
            found.append(backend.solve_free(input_V, ON).node_V.copy())
            if backend is with_it:
                backend.adjoint(input_V if turn else other_V, circuit.weight[None], ON)
            found.append(backend.solve_clamped(input_V, target_V, target_V > 0.1, ON).node_V.copy())
            if backend is with_it:
                backend.adjoint(other_V, circuit.weight[None], ON)
    for k in range(0, len(found), 4):
        np.testing.assert_array_equal(found[k : k + 2], found[k + 2 : k + 4])
    for key, array in with_it.state(0).items():
        np.testing.assert_array_equal(array, without.state(0)[key])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_compiled_entry_has_the_bits_of_the_method(name: str) -> None:
    circuit = drawn(10, name)
    ours, theirs = circuit.solver(), circuit.solver()
    solver, response = theirs.compiled(), np.empty((3, circuit.topology.n_edges))
    for backend in (ours, theirs):
        backend.solve_free(circuit.input_V[None], ON)
    assert solver.adjoint is not None
    assert solver.adjoint(solver.memory, 0, circuit.input_V, circuit.weight, response) == Status.CONVERGED
    np.testing.assert_array_equal(response, rows(ours.adjoint(circuit.input_V[None], circuit.weight[None], ON)))
    assert solver.adjoint_address(solver.adjoint).place


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("moved_V", [1e-9, 1e-3, 1.0])
def test_gates_changed_in_place_count(name: str, moved_V: float) -> None:
    """A compiled epoch moves gates after a free phase; near or far, the answer is that of the new ones."""
    circuit = drawn(11, name)
    backend = circuit.solver()
    backend.solve_free(circuit.input_V[None], ON)
    solver = backend.compiled()
    solver.edges.gate_V[solver.edges.slot[0]] += moved_V
    found = rows(backend.adjoint(circuit.input_V[None], circuit.weight[None], ON))
    expected = circuit._replace(gate_V=circuit.gate_V + moved_V).solver()
    assert_close(found, rows(expected.adjoint(circuit.input_V[None], circuit.weight[None], ON)), 1e-7)


def test_replicas_of_any_size_side_by_side() -> None:
    """Each has its own numbers; missing edges have 0, those that are not asked for NaN."""
    whole, fewer = NETWORKS["alone"], NETWORKS["alone"].keep(np.arange(10))
    rng = np.random.default_rng(12)
    gate_V, input_V, weight = rng.uniform(1, 4, (3, 18)), rng.uniform(0, 1, (3, 6)), rng.normal(size=(3, 3))
    backend = NativeBackend([whole, fewer, whole], CARD, CircuitOptions())
    backend.set_gates(gate_V)
    found = backend.adjoint(input_V, weight, np.array([True, True, False]))
    assert found.status.tolist() == [Status.CONVERGED, Status.CONVERGED, Status.SKIPPED]
    assert np.isnan(rows(found, 2)).all()
    assert not rows(found, 1)[:, 10:].any()
    for row, topology in enumerate((whole, fewer)):
        alone = NativeBackend([topology], CARD, CircuitOptions())
        alone.set_gates(gate_V[row : row + 1])
        one = rows(alone.adjoint(input_V[row : row + 1], weight[row : row + 1], ON))
        np.testing.assert_array_equal(rows(found, row)[:, : topology.n_edges], one)


@pytest.mark.parametrize("name", ["alone", "fronts"])
@pytest.mark.parametrize("broken", ["input", "weight", "gate"])
def test_numbers_that_are_not_finite_are_reported(name: str, broken: str) -> None:
    circuit = drawn(13, name)
    backend = circuit.solver()
    given = {"input": circuit.input_V.copy(), "weight": circuit.weight.copy(), "gate": circuit.gate_V.copy()}
    backend.solve_free(circuit.input_V[None], ON)
    given[broken][1] = np.nan
    backend.set_gates(given["gate"][None])
    found = backend.adjoint(given["input"][None], given["weight"][None], ON)
    assert found.status.tolist() == [Status.NOT_FINITE]
    assert np.isnan(rows(found)).all()


def test_ngspice_has_none_and_says_so(spice: Ngspice) -> None:
    assert NativeBackend.has_adjoint
    assert not NgspiceBackend.has_adjoint
    backend = NgspiceBackend([dense(2, 1)], CARD, CircuitOptions())
    with pytest.raises(InputError, match=r"^backend ngspice has no adjoint; use --backend native$"):
        backend.adjoint(np.zeros((1, 2)), np.zeros((1, 1)), ON)
    backend.close()


def test_arrays_of_other_shapes_are_refused() -> None:
    backend = drawn(14, "alone").solver()
    with pytest.raises(InputError, match=r"^cotangent_A must have shape \(1, 3\), not \(1, 2\)$"):
        backend.adjoint(np.zeros((1, 6)), np.zeros((1, 2)), ON)
