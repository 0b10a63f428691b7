"""`nmos-dense` as a user runs it: a process in a folder, the files it leaves, and what happens when it is disturbed."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from waiting import finish, wait_until

from analog_nmos.topology import dense, load_topology
from common.runs import load_run

TRAINER = "analog_nmos.dense_trainer"
SMALL = ("--train-limit", 40, "--test-limit", 30, "--gamma", 3, "--delta", 0.1)
SMALL += ("--vg-init", "fixed", "--vg-init-fixed", 4)
ALL_FILES = ("--snapshot-every", 1)
FILES = """
run_meta.json train_log.txt metrics.csv checkpoint.npz topology.npz model_card.lib netlist_initial.cir 0.graphml
test_x.npy test_y.npy 0_train_acc.npy 0_val_acc.npy 0_train_hinge.npy 0_val_hinge.npy 0_epoch_total_s.npy
0_epoch_free_s.npy 0_epoch_clamp_s.npy 0_epoch_update_s.npy 0_reload_free.npy 0_reload_clamp.npy
0_nonfinite_free.npy 0_nonfinite_clamp.npy 0_hinge_active_frac.npy learning_curves_acc.png
learning_curves_hinge.png timing.png hinge_active.png
0_diag_epoch0.json 0_vout_test_epoch0.npy 0_val_confusion_epoch0.npy
""".split()
EPOCH_FILES = """
0_epoch_summary_epoch{}.json 0_diag_epoch{}.json 0_vout_test_epoch{}.npy 0_val_confusion_epoch{}.npy
0_vg_unique_epoch{}.npy
""".split()


def assert_same_run(left, right):
    """Two run folders hold the same numbers; only seconds may differ."""
    names = {path.name for path in Path(left).glob("*.np[yz]")}
    assert names == {path.name for path in Path(right).glob("*.np[yz]")}
    for name in names - {"checkpoint.npz", "topology.npz"}:
        if not name.endswith("_s.npy"):
            pair = [np.load(Path(folder) / name) for folder in (left, right)]
            assert np.array_equal(*pair, equal_nan=True), name
    tables = [load_run(folder).metrics for folder in (left, right)]
    columns = [name for name in tables[0] if not name.endswith("_s")]
    assert tables[0][columns].equals(tables[1][columns])
    for path in Path(left).glob("0_diag_epoch*.json"):
        assert path.read_text() == (Path(right) / path.name).read_text()


@pytest.mark.usefixtures("needs_ngspice")
def test_a_run_leaves_every_file_of_the_spec(command, sparse_digits, tmp_path):
    done = command(TRAINER, 1, *SMALL, "--epochs", 2, "--topology", sparse_digits, "--final-test", "--run-dir", "run")
    folder = tmp_path / "run"
    expected = {*FILES, "0_final_test.json", "0_vout_final_test.npy"}
    expected |= {name.format(epoch) for name in EPOCH_FILES for epoch in (1, 2)}
    assert {path.name for path in folder.iterdir()} == expected
    record = load_run(folder)
    assert record.status == "done"
    assert record.config["gamma"] == 3.0
    assert record.config["seed"] == 1
    assert [len(record.array(f"0_{name}")) for name in ("val_acc", "train_acc", "reload_free")] == [3, 2, 2]
    assert record.array("0_vout_test_epoch2").shape == (30, 10)
    assert record.array("0_vg_unique_epoch1").shape == (60,)
    confusion = record.array("0_val_confusion_epoch2")
    assert confusion.sum() == 30
    assert np.trace(confusion) / 30 == record.array("0_val_acc")[2] == record.metrics["val_acc"][2]
    vout, label = record.array("0_vout_test_epoch2"), record.array("test_y")
    assert (vout.argmax(1) == label).mean() == record.array("0_val_acc")[2]
    summary = json.loads((folder / "0_epoch_summary_epoch2.json").read_text())
    assert set(summary) == {"epoch", "config", "train", "val", "timing_s", "vg_stats"}
    assert summary["vg_stats"]["edges"] == 60
    diagnostics = json.loads((folder / "0_diag_epoch0.json").read_text())
    keys = "test_gap_mean test_gap_median test_gap_std test_satisfy_frac test_hinge_mean val_reloads val_nonfinite"
    assert set(diagnostics) == set(keys.split())
    assert diagnostics["test_hinge_mean"] == pytest.approx(record.array("0_val_hinge")[0])
    assert nx.read_graphml(folder / "0.graphml").number_of_edges() == 60
    assert load_topology(folder / "topology.npz").n_edges == 60
    assert "final test: accuracy" in done.out
    final = json.loads((folder / "0_final_test.json").read_text())
    assert final["final_test_acc"] == record.array("0_val_acc")[2]
    assert final["selected_test_acc"] == final["selected_val_acc"] == record.array("0_val_acc")[1:].max()


@pytest.mark.usefixtures("needs_ngspice")
def test_training_moves_gates_and_learns(here, sparse_digits, tmp_path):
    here(TRAINER, 1, *SMALL, "--epochs", 6, "--topology", sparse_digits, "--run-dir", "run", "--quiet")
    record = load_run(tmp_path / "run")
    gates = record.array("0_vg_unique_epoch6")
    assert np.ptp(gates) > 0.05
    assert record.array("0_train_acc")[-1] > record.array("0_train_acc")[0]
    assert record.array("0_train_hinge")[-1] < record.array("0_train_hinge")[0]


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize("moment", ["0_diag_epoch1.json", "0_vg_unique_epoch2.npy", "0_epoch_summary_epoch3.json"])
def test_killed_and_resumed_equals_never_stopped(here, start, sparse_digits, tmp_path, moment):
    options = (2, *SMALL, "--epochs", 4, "--topology", sparse_digits, "--body-tie", "floating", "--vg-init", "random")
    options += ("--vg-init-lo", 0.7)  # near cutoff, where VOUT's memory moves the outputs
    here(TRAINER, *options, "--run-dir", "whole")
    process = start(TRAINER, *options, "--run-dir", "cut")
    wait_until((tmp_path / "cut" / moment).exists, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert load_run(tmp_path / "cut").status == "dead"
    resumed = here(TRAINER, "--resume", "cut")
    assert_same_run(tmp_path / "whole", tmp_path / "cut")
    assert "epoch 4" in resumed.out
    assert "epoch 0" not in resumed.out
    assert load_run(tmp_path / "cut").status == "done"
    assert not list((tmp_path / "cut").glob(".*.tmp"))


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGUSR1, 138)])
def test_signals_interrupt_and_resume_goes_on(here, start, sparse_digits, tmp_path, number, code):
    options = (2, *SMALL, "--topology", sparse_digits)
    process = start(TRAINER, *options, "--epochs", 400, *ALL_FILES, "--run-dir", "cut")
    wait_until((tmp_path / "cut" / "0_vg_unique_epoch2.npy").exists, process)
    process.send_signal(number)
    _, err = finish(process, code)
    assert err.count("\n") == 1
    assert "--resume cut" in err
    record = load_run(tmp_path / "cut")
    assert record.status == "interrupted"
    assert number.name in record.meta["reason"]
    done = len(record.array("0_train_acc"))
    assert done >= 1
    assert record.metrics["epoch"].tolist() == list(range(done + 1))
    meta = record.meta | {"config": record.config | {"epochs": done + 1}}
    (tmp_path / "cut" / "run_meta.json").write_text(json.dumps(meta))  # as if fewer had been asked for
    here(TRAINER, "--resume", "cut")
    here(TRAINER, *options, "--epochs", done + 1, "--run-dir", "whole")
    assert_same_run(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.usefixtures("needs_ngspice")
def test_a_finished_run_can_grow(here, sparse_digits, tmp_path):
    options = (2, *SMALL, "--topology", sparse_digits)
    here(TRAINER, *options, "--epochs", 1, "--run-dir", "grown")
    here(TRAINER, "--resume", "grown", "--epochs", 3)
    here(TRAINER, *options, "--epochs", 3, "--run-dir", "whole")
    assert_same_run(tmp_path / "whole", tmp_path / "grown")


@pytest.mark.usefixtures("needs_ngspice")
def test_a_full_disk_keeps_the_last_complete_epoch(command, here, sparse_digits, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = 'mount -t tmpfs -o size=320k tmpfs disk && "$@"; code=$?; cp -r disk/run copy; exit $code'
    private = ("unshare", "--map-root-user", "--mount", "sh", "-c")
    if shutil.which("unshare") is None or subprocess.run([*private, f"mount -t tmpfs tmpfs {disk}"]).returncode:
        pytest.skip("needs a private mount (unshare and tmpfs) to fill")
    options = (1, *SMALL, "--epochs", 200, "--topology", sparse_digits, "--run-dir", "disk/run")
    full = command(TRAINER, *options, prefix=(*private, inside, "sh"), code=1)
    assert full.err.startswith("error: No space left on device (disk/run/")
    assert full.err.count("\n") == 1
    copy = tmp_path / "copy"
    meta_is_whole = json.loads((copy / "run_meta.json").read_text())
    assert meta_is_whole["status"] in {"running", "failed"}
    with np.load(copy / "checkpoint.npz") as checkpoint:
        epoch = int(checkpoint["epoch"])
    assert epoch >= 1
    shutil.copytree(copy, tmp_path / "short")
    short = meta_is_whole | {"status": "failed", "config": meta_is_whole["config"] | {"epochs": epoch + 1}}
    (tmp_path / "short" / "run_meta.json").write_text(json.dumps(short))
    here(TRAINER, "--resume", "short")
    here(TRAINER, *options[:-4], "--topology", sparse_digits, "--epochs", epoch + 1, "--run-dir", "whole")
    assert_same_run(tmp_path / "whole", tmp_path / "short")


BAD_INPUT = [
    (("--epochs", 0), "argument --epochs: 0 is out of range; it must be at least 1"),
    (("--input-vmin", 1, "--input-vmax", 1), "--input-vmax 1 must lie above --input-vmin 1"),
    (("--vplus", 0), "--vplus 0 must lie above --vminus 0"),
    (("--vg-init-lo", 3, "--vg-init-hi", 3), "--vg-init-lo 3 must lie below --vg-init-hi 3"),
    (("--body-tie", "gate"), "'gate' is not one of source, ground, floating"),
    (("--topology", "inputs63.npz"), "topology inputs63.npz has 63 inputs; the digits need 64"),
    (("--topology", "text.npz"), "topology text.npz: is not an NPZ file"),
    (("--topology", "pickled.npz"), "array edges_S is a pickled object, which is never read"),
    (("--topology", "none.npz"), "topology none.npz: no such file"),
    (("--model-card", "text.npz"), "model card text.npz: no .subckt NMOSWRAP"),
    (("--run-dir", "text.npz"), "run folder text.npz: is a file"),
    (("--run-dir", "/proc/nobody/here"), "run folder /proc/nobody/here: cannot be written"),
    (("--resume", "nowhere"), "run folder nowhere: no run_meta.json in it"),
    (("--replicas", "none.jsonl"), "--replicas none.jsonl: no such file"),
    (("--replicas", "text.npz"), "--replicas text.npz, line 1: is not JSON"),
    (("--replicas", "."), "--replicas .: is a folder, not a file"),
    (("--lanes", "/dev/zero"), "--replicas /dev/zero: is not a regular file"),
    (("--replicas", "latin.jsonl"), "--replicas latin.jsonl: is not UTF-8 text (byte 7)"),
    (("--replicas", "deep.jsonl"), "--replicas deep.jsonl, line 2: is nested too deeply"),
    (("--replicas", "list.jsonl"), "--replicas list.jsonl, line 1: argument --topology: [1] is not a path"),
    (
        ("--objective", "hinges"),
        "'hinges' is not one of hinge, cross-entropy, mse, prototype, package",
    ),
    (("--objective", "nothing.here:Loss"), "objective nothing.here:Loss: no module nothing"),
    (("--objective-options", "power=2"), "--objective-options: unknown setting 'power'"),
    ((4294967296,), "argument SEED: 4"),
    (("--backend", "spectre"), "'spectre' is not one of ngspice, native, package.module:Name of your own"),
    (("--seed", 3), "unrecognized arguments: --seed"),
    (("--gamma", "-1"), "-1 is out of range; it must be above 0"),
    (("--val-split", "0.0005"), "--val-split 0.0005"),
]


@pytest.mark.usefixtures("needs_ngspice")
@pytest.mark.parametrize(("words", "message"), BAD_INPUT)
def test_bad_input_is_one_line_and_nothing_is_written(here, tmp_path, words, message):
    dense(63, 10).save(tmp_path / "inputs63.npz")
    (tmp_path / "text.npz").write_text("hello\n")
    (tmp_path / "latin.jsonl").write_bytes(b'{"seed"\xe9}')
    (tmp_path / "deep.jsonl").write_text("\n" + "[" * 100_000 + "\n")
    (tmp_path / "list.jsonl").write_text('{"topology": [1]}\n')
    parts = {name: np.array(1) for name in ("negref", "posref", "input_nodes", "out_nodes", "edges_D")}
    np.savez(tmp_path / "pickled.npz", **parts, edges_S=np.array([{}], dtype=object))
    before = sorted(path.name for path in tmp_path.iterdir())
    failed = here(TRAINER, *words, code=2)
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert message in failed.err
    assert failed.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.usefixtures("needs_ngspice")
def test_resume_keeps_the_settings(here, sparse_digits, tmp_path):
    here(TRAINER, 2, *SMALL, "--topology", sparse_digits, "--epochs", 2, "--run-dir", "run")
    assert "--gamma 0.1 differs from the run's 3.0" in here(TRAINER, "--resume", "run", "--gamma", 0.1, code=2).err
    assert "may only raise it" in here(TRAINER, "--resume", "run", "--epochs", 1, code=2).err
    assert "leave out --run-dir" in here(TRAINER, "--resume", "run", "--run-dir", "x", code=2).err
    assert "holds a run already" in here(TRAINER, "--run-dir", "run", code=2).err
    (tmp_path / "run" / "checkpoint.npz").write_bytes(b"PK\x03\x04 broken")
    assert "is done; there is nothing to go on with" in here(TRAINER, "--resume", "run", code=2).err
    assert "is not an NPZ file" in here(TRAINER, "--resume", "run", "--epochs", 3, code=2).err
    assert load_run(tmp_path / "run").status == "done"


@pytest.mark.usefixtures("needs_ngspice")
def test_a_run_still_going_is_not_resumed(here, start, sparse_digits, tmp_path):
    process = start(TRAINER, 2, *SMALL, "--topology", sparse_digits, "--epochs", 400, *ALL_FILES, "--run-dir", "run")
    wait_until((tmp_path / "run" / "0_vg_unique_epoch1.npy").exists, process)
    assert f"process {process.pid} is still running it" in here(TRAINER, "--resume", "run", code=2).err


@pytest.mark.usefixtures("needs_ngspice")
def test_too_many_failures_stop_a_run(here, sparse_digits, tmp_path):
    # No operating point can reach these tolerances; ngspice tries for half a second each.
    options = ("--reltol", 1e-18, "--vntol", 1e-30, "--abstol", 1e-30, "--body-tie", "floating")
    options += (2, *SMALL, "--topology", sparse_digits, "--epochs", 1, "--train-limit", 2, "--test-limit", 3)
    failed = here(TRAINER, *options, "--run-dir", "run", code=1)
    assert "epoch 0: 3 of 3 operating points failed (--max-failures allows 0.05 of them); raise --itl1" in failed.err
    assert load_run(tmp_path / "run").status == "failed"
    here(TRAINER, *options, "--run-dir", "stubborn", "--max-failures", 1)
    record = load_run(tmp_path / "stubborn")
    assert record.array("0_reload_free").tolist() == [2]
    assert record.array("0_val_acc").tolist() == [0, 0]
    assert np.isnan(record.array("0_vout_test_epoch1")).all()
    diagnostics = json.loads((tmp_path / "stubborn" / "0_diag_epoch1.json").read_text())
    assert diagnostics == {"val_reloads": 3, "val_nonfinite": 0}


@pytest.mark.usefixtures("needs_ngspice")
def test_dry_run_estimates_and_writes_nothing(here, sparse_digits, tmp_path):
    done = here(TRAINER, "--dry-run", "--topology", sparse_digits, "--epochs", 2)
    assert "60 edges, 1437 training and 360 validation samples, backend ngspice ngspice-" in done.out
    assert "3954 to 6828 operating points" in done.out
    assert [path.name for path in tmp_path.iterdir()] == ["sparse.npz"]


@pytest.mark.usefixtures("needs_ngspice")
def test_a_validation_split_selects_without_the_test_set(here, sparse_digits, tmp_path):
    words = (*SMALL, "--val-split", 0.1, "--topology", sparse_digits, "--epochs", 2, "--final-test", "--run-dir", "run")
    here(TRAINER, 3, *words, "--plot-format", "svg")
    record = load_run(tmp_path / "run")
    assert record.meta["validated_on"] == "validation split"
    assert record.array("0_vout_val_epoch2").shape == (144, 10)
    assert record.array("val_y").shape == (144,)
    assert record.result["selected_on"] == "validation split"
    assert (tmp_path / "run" / "learning_curves_acc.svg").exists()
    assert not list((tmp_path / "run").glob("0_vout_test_epoch*"))


def test_a_reader_that_goes_away_does_not_end_a_run(start, sparse_digits, tmp_path):
    options = (2, *SMALL, "--topology", sparse_digits, "--epochs", 3, "--backend", "native", "--run-dir", "run")
    process = start(TRAINER, *options)
    process.stdout.readline()
    process.stdout.close()
    wait_until(lambda: process.poll() is not None)
    assert (process.returncode, process.stderr.read()) == (0, "")
    assert load_run(tmp_path / "run").status == "done"


def test_missing_libngspice_says_how_to_install_it(command, tmp_path):
    failed = command(TRAINER, "--epochs", 1, code=2, NGSPICE_LIBRARY_PATH="/nowhere/libngspice.so")
    assert failed.err.startswith("error: NGSPICE_LIBRARY_PATH=/nowhere/libngspice.so: no such file")
    assert "apt-get install libngspice0" in failed.err
    assert failed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_and_errors_are_quick_and_light(command):
    text = command(TRAINER, "--help").out
    for words in ("(default: 20)", "(default: 0.45 V)", "(default: 0.02 V)", "--resume DIR", "example: nmos-dense 1"):
        assert words in text
    loaded = command(TRAINER, "--help", prefix=(), PYTHONPROFILEIMPORTTIME=1).err
    for heavy in ("torch", "sklearn", "matplotlib", "numba", "PySpice", "scipy"):
        assert f"| {heavy}\n" not in loaded.replace("|   ", "| ")
