"""Every voltage of the native solver against ngspice at tight tolerances, on netlists written here."""

from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends.base import Status
from analog_nmos.backends.native import NativeBackend
from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import Topology, dense

MODEL = {
    "level": 1.0, "vto": 0.75, "gamma": 1.09, "phi": 0.9499477708465783, "tpg": 1.0, "kp": 6.249608378152027e-05,
    "lambda": 0.19998491299329302, "rsh": 73.21306042358299,
}  # fmt: skip
INSTANCE = {"l": 7.8e-6, "w": 0.138e-3, "as": 0.603e-8, "ps": 0.478e-3, "ad": 0.161e-8, "nrd": 0.3, "nrs": 1.0}
TIGHT = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
TIES = ("floating", "ground", "source", "drain")


def card(model=MODEL, instance=INSTANCE, kind="nmos"):
    return ModelCard(Path("test.lib"), model, instance, kind=kind)


def netlist(topology, card, options, input_V, gate_V, sink_V, series_ohm):
    """SPICE text of the circuit, independent of the package's own writer."""
    lines = ["oracle", ".options klu " + " ".join(f"{k}={v}" for k, v in TIGHT.items())]
    lines.append(
        f".options gmin={options.gmin!r} rshunt={options.rshunt!r} temp={options.temp!r} tnom={options.tnom!r}"
    )
    lines.append(f".model n {card.kind} (" + " ".join(f"{k}={v!r}" for k, v in card.model.items()) + ")")
    lines += [f"VM {topology.negref} 0 {options.vminus!r}", f"VP {topology.posref} 0 {options.vplus!r}"]
    lines += [f"VI{i} {n} 0 {v!r}" for i, (n, v) in enumerate(zip(topology.input_nodes, input_V.tolist(), strict=True))]
    for k, node in enumerate(topology.out_nodes):
        lines += [f"RS{k} {node} t{k} {series_ohm[k]!r}", f"VO{k} t{k} 0 {float(sink_V[k])!r}"]
    size = " ".join(f"{k}={v!r}" for k, v in card.instance.items())
    for e, (d, s) in enumerate(zip(topology.edges_D, topology.edges_S, strict=True)):
        tie = {"source": s, "drain": d, "ground": 0, "floating": None}[options.body_tie]
        body = tie if tie is not None and options.body_res == 0.0 else f"b{e}"
        stands = {"ground": 0, "drain": d, "source": s, "body": body}[options.gate_ref]
        lines += [f"VG{e} g{e} {stands} {float(gate_V[e])!r}", f"M{e} {d} g{e} {s} {body} n {size}"]
        if tie is not None and options.body_res > 0.0:
            lines.append(f"RB{e} b{e} {tie} {options.body_res!r}")
    return "\n".join([*lines, ".end"]) + "\n"


def compare(
    ngspice,
    topology,
    options,
    input_V,
    gate_V,
    target_V=None,
    clamped=None,
    model=MODEL,
    instance=INSTANCE,
    kind="nmos",
):
    """Largest difference of a numbered node, after a free phase and, if asked, a clamped and another free one."""
    device = card(model, instance, kind)
    backend = NativeBackend([topology], device, options, tolerance_V=1e-10)
    backend.set_gates(gate_V[None])
    sink_V, worst = np.zeros(topology.n_outputs), 0.0
    phases = ["free"] if target_V is None else ["free", "clamped", "free"]
    for phase in phases:
        series_ohm = np.full(topology.n_outputs, options.rs_free)
        if phase == "clamped":
            solution = backend.solve_clamped(input_V[None], target_V[None], clamped[None], np.array([True]))
            series_ohm[clamped] = options.rs_clamp
            sink_V = np.where(clamped, target_V, sink_V)
        else:
            solution = backend.solve_free(input_V[None], np.array([True]))
        assert solution.status.tolist() == [Status.CONVERGED]
        text = netlist(topology, device, options, input_V, gate_V, sink_V, series_ohm.tolist())
        expected = ngspice(text)
        for node in topology.numbered_nodes():  # one without an edge is not in the netlist; rshunt holds it at 0 V
            worst = max(worst, abs(solution.node_V[0, node] - expected.get(str(node), 0.0)))
    return worst


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("gates", [(0.4, 8.0), (0.75, 6.0), (0.4, 0.76), (4.0, 4.0)])
def test_dense_free_and_clamped(ngspice, tie, gates):
    rng = np.random.default_rng(int(10 * sum(gates)))
    topology = dense(12, 4)
    clamped = np.array([True, False, True, False])
    worst = compare(
        ngspice, topology, CircuitOptions(body_tie=tie), rng.uniform(0, 1, 12), rng.uniform(*gates, 48),
        rng.uniform(0, 0.5, 4), clamped,
    )  # fmt: skip
    assert worst < 5e-9


@pytest.mark.parametrize("tie", TIES)
def test_reversed_drain_source_and_negative_inputs(ngspice, tie):
    """Inputs below the outputs' targets: current flows from source to drain, and bodies are forward biased."""
    rng = np.random.default_rng(3)
    worst = compare(
        ngspice, dense(6, 3), CircuitOptions(body_tie=tie), rng.uniform(-0.3, 0.2, 6), rng.uniform(1, 5, 18),
        np.array([0.9, 0.7, 0.4]), np.ones(3, bool),
    )  # fmt: skip
    assert worst < 5e-9


@pytest.mark.parametrize("tie", TIES)
def test_parallel_edges_and_uneven_pruning(ngspice, tie):
    rng = np.random.default_rng(4)
    topology = dense(5, 3, copies=3)
    topology = topology.keep(rng.uniform(size=topology.n_edges) < 0.6)
    worst = compare(
        ngspice, topology, CircuitOptions(body_tie=tie), rng.uniform(0, 1, 5), rng.uniform(0.4, 8, topology.n_edges)
    )
    assert worst < 5e-9


def test_output_without_edges_follows_its_vout(ngspice):
    topology = Topology(1, 2, np.array([5]), np.array([3, 4]), np.array([5]), np.array([3]))
    target_V = np.array([0.2, 0.3])
    clamped = np.array([False, True])
    assert compare(ngspice, topology, CircuitOptions(), np.array([0.5]), np.array([3.0]), target_V, clamped) < 5e-9


def grid(side=4):
    """A periodic grid of side x side nodes joined to their right and lower neighbours: rails, 4 inputs, 3 outputs."""
    node = np.arange(1, side * side + 1).reshape(side, side)
    right, down = np.roll(node, -1, 1), np.roll(node, -1, 0)
    drains, sources = np.concatenate([node.ravel(), node.ravel()]), np.concatenate([right.ravel(), down.ravel()])
    flat = node.ravel()
    return Topology(1, 2, flat[5:9], flat[2:5], drains, sources, hidden_nodes=flat[9:])


@pytest.mark.parametrize("tie", TIES)
def test_periodic_grid_with_hidden_nodes(ngspice, tie):
    rng = np.random.default_rng(5)
    topology = grid()
    assert topology.n_edges == 32
    worst = compare(
        ngspice, topology, CircuitOptions(body_tie=tie), rng.uniform(0, 1, 4), rng.uniform(0.4, 8, 32),
        rng.uniform(0, 0.5, 3), np.array([True, False, True]),
    )  # fmt: skip
    assert worst < 5e-9


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize(("temp", "tnom"), [(77.0, 27.0), (-20.0, 27.0), (50.0, 10.0)])
def test_other_temperatures(ngspice, tie, temp, tnom):
    rng = np.random.default_rng(6)
    options = CircuitOptions(body_tie=tie, temp=temp, tnom=tnom)
    assert compare(ngspice, dense(6, 2), options, rng.uniform(0, 1, 6), rng.uniform(0.6, 4, 12)) < 5e-9


@pytest.mark.parametrize(
    "change",
    [{"vminus": -0.2}, {"gmin": 1e-12}, {"rshunt": 1e7}, {"body_res": 1e4}, {"rs_free": 1e5}],
    ids=lambda change: next(iter(change)),
)
def test_each_circuit_option_counts(ngspice, change):
    rng = np.random.default_rng(7)
    for tie in TIES:
        worst = compare(
            ngspice, dense(6, 2), CircuitOptions(body_tie=tie, **change), rng.uniform(0, 1, 6), rng.uniform(0.6, 4, 12),
            np.array([0.1, 0.4]), np.array([True, False]),
        )  # fmt: skip
        assert worst < 2e-8


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("rsh", [MODEL["rsh"], 0.0])
def test_a_body_tied_directly(ngspice, tie, rsh):
    rng = np.random.default_rng(9)
    options, model = CircuitOptions(body_tie=tie, body_res=0.0), {**MODEL, "rsh": rsh}
    for topology in (dense(6, 3), grid()):
        count, n_outputs = topology.n_edges, topology.n_outputs
        worst = compare(
            ngspice, topology, options, rng.uniform(-0.3, 1, topology.n_inputs), rng.uniform(0.6, 4, count),
            rng.uniform(-0.2, 0.5, n_outputs), np.arange(n_outputs) != 1, model=model,
        )  # fmt: skip
        assert worst < 5e-9


@pytest.mark.parametrize(
    ("model", "instance"),
    [
        ({**MODEL, "rsh": 0.0}, INSTANCE),
        ({**MODEL, "is": 1e-12}, INSTANCE),
        (MODEL, {"l": 7.8e-6, "w": 0.138e-3}),
        ({"level": 1.0}, {}),
        ({**MODEL, "cj": 1e-4, "cgso": 1e-10}, INSTANCE),
    ],
)
def test_cards_with_defaults_and_without_resistance(ngspice, model, instance):
    rng = np.random.default_rng(8)
    for tie in TIES:
        options = CircuitOptions(body_tie=tie)
        worst = compare(
            ngspice, dense(6, 2), options, rng.uniform(0, 1, 6), rng.uniform(0.6, 4, 12), model=model, instance=instance
        )
        assert worst < 2e-8


def test_the_shipped_card_is_the_one_tested_here():
    shipped = read_model_card(default_card_path())
    assert shipped.model == MODEL
    assert shipped.instance == INSTANCE
