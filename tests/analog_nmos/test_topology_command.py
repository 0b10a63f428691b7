"""`nmos-topology` as a user calls it: what it writes, says and refuses."""

from pathlib import Path

import numpy as np
import pytest

from analog_nmos.topology import Topology, dense, load_topology, shipped
from analog_nmos.topology_command import main


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dense(4, 2, copies=2).save("small.npz")


def call(*words):
    try:
        return main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code


def edges(path):
    network = load_topology(path)
    return list(zip(network.edges_D.tolist(), network.edges_S.tolist(), strict=True))


def without(*gone):
    return [edge for uid, edge in enumerate(edges("small.npz")) if uid not in gone]


def test_build_by_default_is_the_shipped_network(capsys):
    assert call("build", "out.npz") == 0
    assert capsys.readouterr().out == "640 edges written to out.npz\n"
    built, ours = load_topology("out.npz"), shipped()
    for name in ("input_nodes", "out_nodes", "edges_D", "edges_S"):
        assert np.array_equal(getattr(built, name), getattr(ours, name))


def test_build_with_counts():
    assert call("build", "--inputs", 9, "--outputs", 3, "--copies", 2, "out.npz") == 0
    network = load_topology("out.npz")
    assert (network.n_inputs, network.n_outputs, network.n_edges) == (9, 3, 54)


# Edge ((i * 2) + k) * 2 + c of the small network joins input i and output k.
@pytest.mark.parametrize(
    ("options", "gone"),
    [
        (("--pairs", "0,1;3,0"), (2, 3, 12, 13)),
        (("--pairs", " 2,0 ;"), (8, 9)),
        (("--copies-of", "0,1,1;3,0,0"), (3, 12)),
        (("--copies_of", "0,1,1"), (3,)),
        (("--flat", "1,6"), (2, 3, 12, 13)),
        (("--flat", "7"), (14, 15)),
    ],
)
def test_prune_by_name(capsys, options, gone):
    assert call("prune", "small.npz", "out.npz", *options) == 0
    assert edges("out.npz") == without(*gone)
    assert capsys.readouterr().out == f"{len(gone)} of 16 edges pruned; {16 - len(gone)} written to out.npz\n"


def test_prune_by_gate_voltage_keeps_the_cutoff_itself():
    np.save("vg.npy", np.array([0.5, 0.6, 0.59, *[1.0] * 13]))
    assert call("prune", "small.npz", "out.npz", "--vg-below", "0.6", "--gate-voltages", "vg.npy") == 0
    assert edges("out.npz") == without(0, 2)
    assert load_topology("out.npz").meta["pruned_by"] == "gate voltage below 0.6 V"


def test_an_existing_file_is_replaced_by_force_alone(capsys):
    before = Path("small.npz").read_bytes()
    for words in (("build", "small.npz"), ("prune", "small.npz", "small.npz", "--flat", "0")):
        assert call(*words) == 2
        assert "small.npz: exists already; name another file, or replace it with --force" in capsys.readouterr().err
        assert Path("small.npz").read_bytes() == before
    assert call("prune", "small.npz", "small.npz", "--flat", "0", "--force") == 0
    assert load_topology("small.npz").n_edges == 14
    assert call("build", "--force", "small.npz", "--inputs", 1, "--outputs", 1) == 0
    assert load_topology("small.npz").n_edges == 1


def test_info(capsys):
    call("prune", "small.npz", "out.npz", "--pairs", "1,0;1,1")
    capsys.readouterr()
    assert call("info", "out.npz") == 0
    lines = {name: value.strip() for name, _, value in (x.partition(":") for x in capsys.readouterr().out.splitlines())}
    assert lines["edges"] == "12"
    assert lines["edges per input"] == "min 0, mean 3.00, max 4"
    assert lines["isolated inputs"] == "1: 1"
    assert '"pruned_by": "pair"' in lines["meta"]


def test_a_pickled_meta_is_one_line_of_warning(capsys):
    parts = {"negref": 1, "posref": 2, "input_nodes": [4], "out_nodes": [3], "edges_D": [4], "edges_S": [3]}
    np.savez("old.npz", **parts, meta_json=np.array({"old": 1}, dtype=object))
    assert call("info", "old.npz") == 0
    out, err = capsys.readouterr()
    assert "meta:             none" in out
    assert err == "warning: topology old.npz: meta_json is not JSON text (older files pickle it); dropped\n"


@pytest.mark.parametrize("plot_format", ["png", "pdf", "svg"])
def test_show_draws_three_figures(capsys, plot_format):
    assert call("show", "small.npz", "--out", "a/b", "--plot-format", plot_format) == 0
    expected = [f"a/b/small_{name}.{plot_format}" for name in ("heatmap", "graph", "graph_outputs")]
    assert capsys.readouterr().out.splitlines() == expected
    assert all(Path(name).stat().st_size > 1000 for name in expected)


def test_show_writes_here_by_default_and_draws_hidden_nodes(capsys):
    Topology(1, 2, [4, 5], [3], edges_D=[4, 5, 6], edges_S=[6, 6, 3], hidden_nodes=[6]).save("deep.npz")
    assert call("show", "deep.npz") == 0
    assert capsys.readouterr().out.splitlines() == [
        "left out: heat map: no edge joins an input with an output, so there is no image of connections",
        "deep_graph.png",
        "deep_graph_outputs.png",
    ]


PRUNE = ("prune", "small.npz", "out.npz")
BAD_INPUT = [
    ((), "the following arguments are required: build|prune|info|show"),
    (("grow",), "invalid choice: 'grow'"),
    (("build",), "the following arguments are required: OUT.npz"),
    (("build", "out.npz", "--inputs", "0"), "inputs must be at least 1, not 0"),
    (("build", "out.npz", "--copies", "many"), "'many' is not an integer"),
    (("build", "out.npz", "--inputs", "99999999"), "more than 10000000 edges"),
    (("build", "out.npz", "--inputs", "1000000000"), "more than 10000000 edges"),
    (("build", "out.npz", "--inputs", "1000000", "--outputs", "1"), "inputs + outputs is more than 999998"),
    (("build", "n" * 256), "too long"),
    (("build", "n" * 240), "the name is too long; at most 230 bytes are allowed"),
    (("prune", "n" * 256, "out.npz", "--flat", "1"), " "),
    (("info", "n" * 256), " "),
    (("show", "small.npz", "--out", "n" * 256), " "),
    (("info", "/dev/zero"), "topology /dev/zero: is not a regular file"),
    ((*PRUNE, "--vg-below", "1", "--gate-voltages", "/dev/zero"), "/dev/zero: is not a regular file"),
    (("build", "nowhere/out.npz"), "nowhere/out.npz: name a file in a folder that exists"),
    (("build", ".", "--force"), ".: name a file in a folder that exists"),
    (PRUNE, "one of the arguments --pairs --copies-of --flat --vg-below is required"),
    ((*PRUNE, "--pairs", "0,0", "--flat", "1"), "not allowed with argument"),
    ((*PRUNE, "--pairs", "0,1,2"), "'0,1,2' is not a list of 2 numbers each, such as '0,1;4,5'"),
    ((*PRUNE, "--copies-of", "0,1"), "'0,1' is not a list of 3 numbers each, such as '0,1,2;4,5,6'"),
    ((*PRUNE, "--pairs", ""), "'' is not a list of 2 numbers each"),
    ((*PRUNE, "--flat", "a"), "'a' is not a list of whole numbers such as 3,17"),
    ((*PRUNE, "--pairs", "4,0"), "pair (4, 0): inputs are 0..3, outputs 0..1"),
    ((*PRUNE, "--flat", "8"), "pair (4, 0): inputs are 0..3, outputs 0..1"),
    ((*PRUNE, "--copies-of", "0,0,2"), "copy 2 of pair (0, 0): the pair has 2, counted from 0"),
    ((*PRUNE, "--flat", "0,1,2,3,4,5,6,7"), "edges_D is empty"),
    ((*PRUNE, "--vg-below", "1"), "--vg-below and --gate-voltages belong together"),
    ((*PRUNE, "--flat", "1", "--gate-voltages", "vg.npy"), "--vg-below and --gate-voltages belong together"),
    ((*PRUNE, "--vg-below", "nan", "--gate-voltages", "vg.npy"), "'nan' is not a voltage such as 0.6"),
    ((*PRUNE, "--vg-below", "1", "--gate-voltages", "none.npy"), "--gate-voltages none.npy: no such file"),
    ((*PRUNE, "--vg-below", "1", "--gate-voltages", "text.npy"), "--gate-voltages text.npy is damaged"),
    ((*PRUNE, "--vg-below", "1", "--gate-voltages", "short.npy"), "shape (3,), but the network has 16 edges"),
    ((*PRUNE, "--vg-below", "1", "--gate-voltages", "small.npz"), "small.npz is damaged"),
    ((*PRUNE, "--vg-below", "1", "--gate-voltages", "nan.npy"), "they must all be finite numbers"),
    (("prune", "none.npz", "out.npz", "--flat", "1"), "topology none.npz: no such file"),
    (("info", "text.npy"), "topology text.npy: is not an NPZ file"),
    (("show", "small.npz", "--out", "text.npy"), "--out text.npy: is not a folder and cannot be created"),
    (("show", "small.npz", "--plot-format", "gif"), "invalid choice: 'gif'"),
]


@pytest.mark.parametrize(("words", "message"), BAD_INPUT)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, capsys, words, message):
    Path("text.npy").write_text("hello\n")
    np.save("short.npy", np.ones(3))
    np.save("nan.npy", np.full(16, np.nan))
    before = sorted(tmp_path.iterdir())
    assert call(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "defaults"),
    [
        (("build",), ("64", "10", "1", "refuse")),
        (("prune",), ("refuse",)),
        (("info",), ()),
        (("show",), (".", "png")),
        ((), ()),
    ],
)
def test_help_shows_defaults(capsys, words, defaults):
    assert call(*words, "--help") == 0
    out = capsys.readouterr().out
    assert all(f"(default: {default})" in out for default in defaults)
