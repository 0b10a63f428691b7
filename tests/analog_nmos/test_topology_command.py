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


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("dense", "--drain", "output", "--rails", "outputs", "--join-outputs"), 640 + 20 + 45),
        (("layered", "--layers", "4,6,5,2", "--rails", "hidden", "--skip"), 24 + 30 + 10 + 8 + 22),
        (("torus", "--side", "5"), 50),
        (("random", "--edges", "30", "--rails"), 30),
    ],
)
def test_every_shape_is_built_and_drawn(capsys, words, count):
    assert call("build", words[0], "out.npz", *words[1:]) == 0
    assert capsys.readouterr().out == f"{count} edges written to out.npz\n"
    assert load_topology("out.npz").meta["kind"] == words[0]
    assert call("show", "out.npz") == 0
    assert Path("out_graph.png").stat().st_size > 1000


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


def test_info_names_outputs_that_no_input_can_move(capsys):
    Topology(1, 2, [5], [3, 4, 7], edges_D=[5, 1, 6, 4], edges_S=[3, 6, 4, 2], hidden_nodes=[6]).save("parts.npz")
    assert call("info", "parts.npz") == 0
    assert "out of reach:     2 outputs have no path of transistors to an input: 1, 2" in capsys.readouterr().out
    assert call("info", "small.npz") == 0
    assert "out of reach:     none" in capsys.readouterr().out


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
    (("build",), "the following arguments are required: dense|layered|torus|random|package.module:Name"),
    (("build", "dense"), "the following arguments are required: OUT.npz"),
    (("build", "tours", "out.npz"), "invalid choice: 'tours'"),
    (("build", "shapes:Mine", "out.npz"), "shapes:Mine: no module shapes"),
    (("build", "json:JSONDecoder", "out.npz"), "is not of type analog_nmos.topology.shape.Shape"),
    (("build", "torus", "out.npz", "--side", "2"), "2 is out of range; it must be at least 3"),
    (("build", "torus", "out.npz", "--inputs", "17"), "node 17: a grid of side 4 has the nodes 1 to 16"),
    (("build", "torus", "out.npz", "--inputs", "3,11"), "node 11 has two roles"),
    (("build", "layered", "out.npz", "--layers", "3,2"), "name inputs, hidden layers and outputs"),
    (("build", "layered", "out.npz", "--layers", "9999,9999,9999"), "at most 10000000 are built"),
    (("build", "random", "out.npz", "--edges", "3"), "--edges 3: so many nodes have 18 to 125 edges"),
    (("build", "random", "out.npz", "--hidden", "0", "--outputs", "1", "--edges", "9"), "so few nodes have at most 8"),
    (("build", "out.npz", "--inputs", "0"), "0 is out of range; it must be at least 1"),
    (("build", "out.npz", "--copies", "many"), "'many' is not an integer"),
    (("build", "out.npz", "--inputs", "99999999"), "at most 10000000 are built"),
    (("build", "out.npz", "--inputs", "1000000000"), "at most 10000000 are built"),
    (("build", "out.npz", "--inputs", "1000000", "--outputs", "1"), "at most 999998 can be numbered"),
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
        (("build",), ()),
        (("build", "dense"), ("64", "10", "1", "refuse", "input", "none")),
        (("build", "layered"), ("64 32 10", "refuse")),
        (("build", "torus"), ("4", "6 of side 4", "refuse")),
        (("build", "random"), ("40", "0", "refuse")),
        (("prune",), ("refuse",)),
        (("info",), ()),
        (("show",), (".", "png")),
        ((), ()),
    ],
)
def test_help_shows_defaults(capsys, words, defaults):
    assert call(*words, "--help") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert all(f"(default: {default})" in out for default in defaults)
