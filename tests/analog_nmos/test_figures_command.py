"""`nmos-figures` as a user calls it: all files, every format, runs cut short, wrong folders."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.figures import registry
from analog_nmos.figures.matrices import edge_ends
from analog_nmos.figures.run_files import RunFiles
from analog_nmos.figures.vg_by_label import mean_and_spread
from analog_nmos.figures_command import main
from analog_nmos.topology import Topology, dense, shipped

write_run = runpy.run_path(str(Path(__file__).parent / "figures" / "synthetic.py"))["write_run"]
OF_RUN = "learning_curves_acc learning_curves_hinge timing hinge_active vg_by_label vg_histogram_first_last".split()
OF_EPOCH = "confusion confusion_errors confusion_errors_log vg_heatmap vg_histogram vg_graph vg_graph_outputs".split()


@pytest.fixture
def run_dir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "run", dense(9, 3), pruned_after=1)
    return tmp_path / "run"


def call(*words):
    try:
        return main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_all_figures_of_a_pruned_run(run_dir, capsys):
    before = names(run_dir)
    assert call(run_dir) == 0
    expected = {f"{name}.png" for name in OF_RUN}
    expected |= {f"{name}_epoch{epoch}.png" for name in OF_EPOCH for epoch in range(4)}
    assert names(run_dir / "figures") == expected
    assert names(run_dir) == before | {"figures"}
    assert capsys.readouterr().out == f"{len(expected)} files written to {run_dir}/figures\n"


@pytest.mark.parametrize(("plot_format", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_every_format(run_dir, tmp_path, capsys, plot_format, magic):
    assert call(run_dir, "--plot-format", plot_format, "--epochs", "last", "--out", "here/there", "--quiet") == 0
    files = list((tmp_path / "here" / "there").iterdir())
    assert len(files) == len(OF_RUN) + len(OF_EPOCH)
    assert all(path.suffix == f".{plot_format}" and path.read_bytes().startswith(magic) for path in files)
    assert capsys.readouterr() == ("", "")


def test_the_digits_in_full_size(tmp_path):
    write_run(tmp_path / "run", shipped(), epochs=1)
    assert call(tmp_path / "run", "--epochs", 1, "--quiet") == 0
    assert len(names(tmp_path / "run" / "figures")) == len(OF_RUN) + len(OF_EPOCH)


@pytest.mark.parametrize(("loss", "active"), [("ce", []), ("mse", []), ("hinge", ["hinge_active.png"])])
def test_objectives(tmp_path, loss, active):
    write_run(tmp_path / "run", dense(4, 2), loss=loss)
    assert call(tmp_path / "run", "--only", "curves", "hinge-active", "--quiet") == 0
    found = names(tmp_path / "run" / "figures")
    assert found == {"learning_curves_acc.png", f"learning_curves_{loss}.png", *active}


def test_chosen_figures_and_epochs(run_dir):
    assert call(run_dir, "--epochs", "3,0,3", "--only", "vg-heatmap", "vg-histogram") == 0
    expected = {f"{name}_epoch{epoch}.png" for name in ("vg_heatmap", "vg_histogram") for epoch in (0, 3)}
    assert names(run_dir / "figures") == expected


def test_an_interrupted_run_draws_what_it_can(run_dir, capsys):
    for name in ("0_vg_unique_epoch3", "0_edge_uid_epoch3", "0_edge_uid_epoch2", "0_epoch_free_s"):
        (run_dir / f"{name}.npy").unlink()
    assert call(run_dir) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "left out: timing: 0_epoch_free_s.npy is missing" in lines
    assert "left out: vg-graph of epoch 3: 0_vg_unique_epoch3.npy is missing" in lines
    missing = "0_edge_uid_epoch2.npy is missing: 25 gate voltages for 27 edges"
    assert f"left out: vg-heatmap of epoch 2: {missing}" in lines
    found = names(run_dir / "figures")
    assert "confusion_epoch3.png" in found
    assert "vg_heatmap_epoch1.png" in found
    assert "vg_heatmap_epoch2.png" not in found
    assert lines[-1].startswith(f"{len(found)} files written")


def test_one_reason_for_many_epochs_is_one_line(run_dir, capsys):
    (run_dir / "topology.npz").unlink()
    assert call(run_dir, "--only", "vg-graph", "curves") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out")]
    assert line.startswith("left out: vg-graph of epoch 0, 1, 2, 3: topology ")


def test_last_is_the_last_completed_epoch(run_dir):
    (run_dir / "0_vg_unique_epoch3.npy").unlink()
    assert call(run_dir, "--epochs", "last", "--only", "confusion", "vg-heatmap") == 0
    assert {name.partition("_epoch")[2] for name in names(run_dir / "figures")} == {"2.png"}


def test_a_broken_start_leaves_the_other_epochs_alone(run_dir):
    (run_dir / "0.graphml").write_text("<graphml")
    assert call(run_dir, "--epochs", 1, "--quiet") == 0
    assert len(names(run_dir / "figures")) == len(OF_RUN) + len(OF_EPOCH)


def test_hidden_nodes_and_inputs_that_are_no_image(tmp_path):
    network = Topology(1, 2, [5, 6, 7], [3, 4], edges_D=[5, 6, 7, 9, 5], edges_S=[9, 9, 3, 4, 4], hidden_nodes=[9])
    write_run(tmp_path / "run", network)
    assert call(tmp_path / "run", "--epochs", "last") == 0
    assert len(names(tmp_path / "run" / "figures")) == len(OF_RUN) + len(OF_EPOCH)


def test_a_run_with_snapshots_every_third_epoch(tmp_path, capsys):
    run = tmp_path / "run"
    gate_V = write_run(run, dense(9, 3), epochs=7, pruned_after=2)
    for path in [path for epoch in (1, 2, 4, 5) for path in run.glob(f"0_*_epoch{epoch}.np?")]:
        path.unlink()
    assert call(run, "--epochs", 4) == 2
    have = "it has 4 snapshots from 0 to 7, the nearest of which is 3"
    assert capsys.readouterr().err == f"error: --epochs: no epoch 4 in the run; {have}\n"
    assert call(run) == 0
    expected = {f"{name}.png" for name in OF_RUN}
    expected |= {f"{name}_epoch{epoch}.png" for name in OF_EPOCH for epoch in (0, 3, 6, 7)}
    assert names(run / "figures") == expected
    epochs, mean_V, _ = mean_and_spread(RunFiles(run))
    assert epochs == [0, 3, 6, 7]
    np.testing.assert_allclose(mean_V[:, 1], np.nanmean(gate_V[epochs][:, edge_ends(dense(9, 3))[0] == 1], axis=1))


BAD_INPUT = [
    (("nowhere",), "run folder nowhere: no run_meta.json in it"),
    ((".",), "run folder .: no run_meta.json in it"),
    (("other",), "a run of aanntwin; these figures are for analog_nmos"),
    (("empty",), "run folder empty: nothing to draw; no history of a loss"),
    (("run", "--epochs", "7"), "--epochs: no epoch 7 in the run; it has 0 to 3"),
    (("empty", "--epochs", "1"), "--epochs: no epoch 1 in the run; it has none yet"),
    (("run", "--epochs", "first"), "'first' is not all, last, or numbers such as 1,5,10"),
    (("run", "--only", "pie"), "invalid choice: 'pie' (choose from"),
    (("run", "--plot-format", "gif"), "invalid choice: 'gif'"),
    (("run", "--out", "run/run_meta.json"), "--out run/run_meta.json: is a file"),
    (("run", "--out", "/proc/nobody"), "--out /proc/nobody: cannot be written"),
    ((), "the following arguments are required: RUN_DIR"),
]


@pytest.mark.parametrize(("words", "message"), BAD_INPUT)
def test_bad_input_is_one_line(run_dir, capsys, words, message):
    write_run(Path("other"), dense(4, 2), package="aanntwin")
    write_run(Path("empty"), dense(4, 2))
    for path in Path("empty").iterdir():
        if path.name != "run_meta.json":
            path.unlink()
    assert call(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


def test_the_help_names_every_figure(capsys):
    assert call("--help") == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in registry.FIGURES)
    assert all(f"(default: {default})" in text for default in ("png", "all", "RUN_DIR/figures"))


LEVELS = {"pairs": True, "answer": "nearest level", "levels_V": [0.0, -0.08]}
VALUES = {"pairs": False, "answer": "value", "values": ["output"]}


def write_answers(folder, network, readout, classes, y):
    """A run of a task with levels or values, that is validated on its training set of four samples."""
    write_run(folder, network, loss="mse", readout=readout, classes=classes, validated_on="training set")
    np.save(folder / "test_x.npy", np.linspace(0, 0.4, 4 * network.n_inputs).reshape(4, -1))
    np.save(folder / "test_y.npy", y)
    if not classes:
        for path in (*folder.glob("0_val_confusion_*"), *folder.glob("0_*_acc.npy")):
            path.unlink()


def test_levels_have_tables_and_scores(tmp_path, capsys):
    write_answers(tmp_path / "run", dense(4, 2), LEVELS, ["0", "1"], np.array([0, 1, 1, 0]))
    assert call(tmp_path / "run", "--epochs", "0,3") == 0
    found = names(tmp_path / "run" / "figures")
    assert {"scores.png", "truth_table_epoch0.png", "truth_table_epoch3.png", "confusion_epoch3.png"} <= found
    assert "regression_curve.png" not in found
    assert "left out" not in capsys.readouterr().out


def test_values_have_a_curve_and_no_confusion(tmp_path, capsys):
    write_answers(tmp_path / "run", dense(1, 1), VALUES, [], np.linspace(0, 1, 4)[:, None])
    assert call(tmp_path / "run", "--epochs", "3") == 0
    found = names(tmp_path / "run" / "figures")
    assert {"regression_curve.png", "learning_curves_mse.png", "vg_histogram_epoch3.png"} <= found
    assert not any(name.startswith(("confusion", "learning_curves_acc", "truth", "scores")) for name in found)
    assert "left out" not in capsys.readouterr().out


def test_a_figure_of_another_kind_of_run_says_so_to_who_asked_for_it(run_dir, capsys):
    assert call(run_dir, "--only", "timing", "truth-table", "--epochs", "1,2") == 0
    reason = "its answers are not those of levels that a score is compared with"
    assert f"left out: truth-table of epoch 1, 2: {reason}\n" in capsys.readouterr().out
    assert call(run_dir, "--only", "regression-curve") == 2
    assert "nothing to draw; its answers are classes, not values" in capsys.readouterr().err


def test_figures_are_the_same_when_drawn_again(run_dir, tmp_path):
    options = ("--epochs", "last", "--quiet", "--only", "vg-graph", "vg-heatmap", "confusion")
    for out in ("a", "b"):
        assert call(run_dir, *options, "--out", out) == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_draw_yields_a_figure_at_a_time(run_dir, tmp_path):
    run = RunFiles(run_dir)
    np.save(run_dir / "0_val_confusion_epoch2.npy", np.zeros((2, 3)))
    drawn = list(registry.draw(run, ["timing", "confusion"], [1, 2], tmp_path))
    assert [(one.name, one.epoch, len(one.files)) for one in drawn] == [
        ("timing", None, 1),
        ("confusion", 1, 3),
        ("confusion", 2, 0),
    ]
    assert "not that of a square" in drawn[2].left_out
    assert registry.count(["timing", "confusion"], [1, 2]) == 3
