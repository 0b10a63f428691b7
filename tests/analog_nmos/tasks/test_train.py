"""`nmos-train` as a user calls it: every task, its run folder, resumed runs, replicas, and what is refused."""

import dataclasses
import json
import signal

import numpy as np
import pytest

from analog_nmos.tasks import TASKS
from analog_nmos.tasks.iris import Iris
from analog_nmos.topology import Topology, dense
from analog_nmos.train import run
from analog_nmos.training import record as files
from common.datasets import load
from common.errors import Interrupted
from common.runs import load_run

TRAIN = "analog_nmos.train"


def same_arrays(left, right):
    names = sorted(path.name for path in left.glob("*.npy") if not path.name.endswith("_s.npy"))
    assert names == sorted(path.name for path in right.glob("*.npy") if not path.name.endswith("_s.npy"))
    for name in names:
        assert np.array_equal(np.load(left / name), np.load(right / name), equal_nan=True), name


@pytest.mark.parametrize(("task", "inputs"), [("iris", 10), ("wine", 28)])
def test_a_task_reaches_what_the_documentation_says(here, tmp_path, task, inputs):
    settings = "".join(json.dumps({"seed": seed}) + "\n" for seed in range(10))
    (tmp_path / "seeds.jsonl").write_text(settings)
    here(TRAIN, task, "--replicas", "seeds.jsonl", "--run-dir", "runs", "--quiet", "--no-plots")
    records = [load_run(folder) for folder in sorted((tmp_path / "runs").glob("replica_*"))]
    assert np.median([one.result["selected_test_acc"] for one in records]) >= 0.93
    assert {one.array("test_x").shape[1] for one in records} == {inputs}
    assert all(one.result["selected_on"] == "validation split" for one in records)


def test_a_run_says_of_what_it_is(here, tmp_path):
    done = here(TRAIN, "iris", 1, "--epochs", 3)
    [folder] = (tmp_path / "results" / "analog_nmos" / "runs").iterdir()
    assert folder.name.endswith("_train_iris_seed-1")
    record = load_run(folder)
    assert (record.meta["task"], record.meta["script"]) == ("iris", "train.py")
    assert record.meta["classes"] == ["setosa", "versicolor", "virginica"]
    assert record.meta["samples"] == {"train": 96, "val": 24, "test": 30}
    assert record.array("0_val_confusion_epoch3").shape == (3, 3)
    assert "train_limit" not in record.config
    confusion = record.array("0_val_confusion_epoch3")
    assert np.trace(confusion) / 24 == record.result["final_val_acc"]
    outputs, labels = record.array("0_vout_final_test"), record.array("test_y")
    assert (outputs.argmax(1) == labels).mean() == record.result["final_test_acc"]
    assert "final test: accuracy" in done.out
    assert (folder / "learning_curves_acc.png").exists()


@pytest.mark.parametrize("words", [("--resume", "cut"), ("iris", "--resume", "cut")])
def test_interrupted_and_resumed_equals_never_stopped(here, tmp_path, monkeypatch, words):
    evaluated = files.record_validation

    def stop_in_epoch_3(folder, replica, *rest):
        if replica.epoch == 3:
            raise Interrupted("stop", signal.SIGINT)
        return evaluated(folder, replica, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(files, "record_validation", stop_in_epoch_3)
        here(TRAIN, "iris", 2, "--epochs", 5, "--run-dir", "cut", "--vg-init", "random", code=130)
    assert load_run(tmp_path / "cut").status == "interrupted"
    done = here(TRAIN, *words)
    assert "epoch 2" not in done.out
    assert "epoch 5" in done.out
    here(TRAIN, "iris", 2, "--epochs", 5, "--run-dir", "whole", "--vg-init", "random", "--quiet")
    same_arrays(tmp_path / "cut", tmp_path / "whole")


def test_digits_are_those_of_the_published_trainer(here, tmp_path):
    few = (1, "--epochs", 2, "--train-limit", 60, "--test-limit", 30, "--backend", "native", "--quiet", "--no-plots")
    here(TRAIN, "digits", *few, "--run-dir", "task")
    here("analog_nmos.dense_trainer", *few, "--run-dir", "published")
    same_arrays(tmp_path / "task", tmp_path / "published")
    assert load_run(tmp_path / "task").meta["task"] == "digits"
    assert "task" not in load_run(tmp_path / "published").meta


@pytest.mark.parametrize(
    "words",
    [
        ("--objective", "prototype", "--delta", 0.3),
        ("--objective", "cross-entropy", "--delta", 0.25, "--softmax-temp", 0.005),
    ],
)
def test_other_objectives(here, tmp_path, words):
    here(TRAIN, "iris", 1, *words, "--epochs", 15, "--run-dir", "run", "--quiet", "--no-plots")
    record = load_run(tmp_path / "run")
    assert record.result["selected_val_acc"] >= 0.8
    if "prototype" in words:
        assert record.array("0_proto_out_epoch15").shape == (3, 3)


@pytest.mark.usefixtures("needs_ngspice")
def test_both_solvers_decide_alike(here, tmp_path):
    for backend in ("native", "ngspice"):
        here(TRAIN, "iris", 1, "--epochs", 2, "--backend", backend, "--run-dir", backend, "--quiet", "--no-plots")
    native, ngspice = (load_run(tmp_path / name) for name in ("native", "ngspice"))
    assert np.array_equal(native.array("0_val_confusion_epoch2"), ngspice.array("0_val_confusion_epoch2"))
    assert np.allclose(native.array("0_vout_val_epoch2"), ngspice.array("0_vout_val_epoch2"), atol=1e-4)


@pytest.mark.parametrize("side", [7, 14])
def test_mnist_small(here, tmp_path, mnist_root, side):
    limits = ("--train-limit", 200, "--val-limit", 100, "--test-limit", 150)
    words = ("--data-root", mnist_root, "--run-dir", "run", "--quiet", "--no-plots", "--no-complement", "--no-bias")
    here(TRAIN, "mnist-small", 1, "--side", side, "--epochs", 2, *limits, *words)
    record = load_run(tmp_path / "run")
    assert record.meta["samples"] == {"train": 200, "val": 100, "test": 150}
    assert record.meta["input_shape"] == [side, side]
    block = 28 // side
    first = load("mnist", mnist_root).test_x[0].astype(float) / 255
    pooled = [
        first[row : row + block, column : column + block].mean()
        for row in range(0, 28, block)
        for column in range(0, 28, block)
    ]
    assert np.allclose(record.array("test_x")[0], pooled)
    assert record.result["selected_val_acc"] > 0.5


def test_a_network_of_ones_own(here, tmp_path):
    dense(10, 3, copies=2).save(tmp_path / "double.npz")
    here(TRAIN, "iris", "--topology", "double.npz", "--epochs", 1, "--run-dir", "run", "--quiet", "--no-plots")
    assert load_run(tmp_path / "run").array("0_vg_unique_epoch1").shape == (60,)


def test_from_a_notebook(tmp_path):
    folder = run(Iris(seed=1, epochs=1, quiet=True, plots=False), tmp_path / "run")
    assert load_run(folder).status == "done"


@pytest.mark.parametrize("name", TASKS)
def test_the_native_solver_is_the_default(name):
    assert {field.name: field.default for field in dataclasses.fields(TASKS.get(name))}["backend"] == "native"


def test_help_has_every_task_and_its_own_defaults(here):
    text = here(TRAIN, "--help").out
    assert all(f"\n  {name} " in text for name in TASKS)
    assert "--train-limit" not in here(TRAIN, "iris", "--help").out
    text = " ".join(here(TRAIN, "mnist-small", "--help").out.split())
    assert "(default: 2000)" in text
    assert "nmos-train mnist-small [SEED] [options]" in text


def test_dry_run_estimates_and_writes_nothing(here, tmp_path):
    done = here(TRAIN, "iris", "--dry-run")
    assert "30 edges, 96 training and 24 validation samples, backend native" in done.out
    assert list(tmp_path.iterdir()) == []


BAD = [
    ((), "error: name a task first: digits, digits-pairs,"),
    (("--epochs", 3), "error: name a task first: digits, digits-pairs,"),
    (("rose",), "task 'rose' is not one of digits, digits-pairs, xor, regression, iris, wine,"),
    (("nothing.here:Task",), "task nothing.here:Task: no module nothing"),
    (("analog_nmos.topology.dense:Dense",), "is not of type analog_nmos.tasks.base.Task"),
    (("--resume", "nowhere"), "run folder nowhere: no run_meta.json in it"),
    (("iris", "--train-limit", 5), "unrecognized arguments: --train-limit"),
    (("iris", "--side", 7), "unrecognized arguments: --side"),
    (("mnist-small", "--side", 8), "argument --side: 8 is not one of 7, 14"),
    (("iris", "--objective", "cross-entropy", "--margin", 0.1), "--margin is no option of the objective cross-entropy"),
    (("iris", "--softmax-temp", 0.1), "--softmax-temp is no option of the objective hinge"),
    (("iris", "--topology", "four.npz"), "topology four.npz has 4 inputs; iris needs 10"),
    (("iris", "--topology", "two.npz"), "topology two.npz has 2 outputs; iris needs 3"),
    (("iris", "--topology", "cut.npz"), "topology cut.npz: no path of transistors from an input to output 1 (counted"),
    (("iris", "--topology", "good.npz", "--copies", 2), "--copies is of the network that is built without --topology"),
    (("iris", "--val-split", 0.01), "--val-split 0.01: class"),
    (("iris", "--replicas", "sizes.jsonl"), "replicas must share bias: False differs from True"),
    (("xor", "--level", 5), "xor: targets from 0 to 5 V; this network reaches -0.45 to 0.45 V"),
    (("xor", "--vminus", 0.4), "--vplus 0.33 must lie above --vminus 0.4"),
    (("xor", "--one-hot", 0.1), "--one-hot is for tasks with a score for each class"),
    (
        ("xor", "--objective", "hinge", "--margin", 0.02),
        "needs a score for each class; xor has one score",
    ),
    (("xor", "--topology", "two.npz"), "topology two.npz has 10 inputs; xor needs 2"),
    (("xor", "--side", 3), "argument --side: 3 is out of range; it must be at least 4"),
    (
        ("regression", "--objective", "cross-entropy"),
        "needs a score for each class; regression has scores",
    ),
    (("regression", "--input-vmax", 2), "--input-vmax is no option of regression, whose points are in volts"),
    (("digits-pairs", "--topology", "digits_8x8_pruned"), "has 10 outputs; the digits need 20"),
    (("digits-pairs", "--objective", "mse", "--nudge", 0.7), "--nudge is no option of the objective mse"),
    (("ionosphere", "--data-root", "none"), "none/ionosphere/ionosphere.data: no such file"),
    (("ionosphere", "--data-root", "."), "ionosphere.data: is damaged, not 351 rows of 34 numbers and b or g"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_one_line_and_nothing_is_written(here, tmp_path, words, message):
    dense(4, 3).save(tmp_path / "four.npz")
    dense(10, 2).save(tmp_path / "two.npz")
    good = dense(10, 3)
    good.save(tmp_path / "good.npz")
    middle = good.edges_S == good.out_nodes[1]
    source = np.where(middle, good.out_nodes[0], good.edges_S)
    Topology(1, 2, good.input_nodes, good.out_nodes, good.edges_D, source).save(tmp_path / "cut.npz")
    (tmp_path / "sizes.jsonl").write_text('{"seed": 1}\n{"bias": false}\n')
    (tmp_path / "ionosphere").mkdir()
    (tmp_path / "ionosphere" / "ionosphere.data").write_text("1,2,g\n")
    before = sorted(path.name for path in tmp_path.iterdir())
    failed = here(TRAIN, *words, code=2)
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert message in failed.err
    assert failed.out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_run_of_another_command_is_not_resumed(here):
    few = ("--epochs", 1, "--train-limit", 30, "--test-limit", 20, "--backend", "native", "--quiet", "--no-plots")
    here("analog_nmos.dense_trainer", *few, "--run-dir", "published")
    assert "was not made by nmos-train" in here(TRAIN, "--resume", "published", code=2).err
    here(TRAIN, "wine", "--epochs", 1, "--run-dir", "wine", "--quiet", "--no-plots")
    failed = here(TRAIN, "iris", "--resume", "wine", code=2)
    assert "was not made by nmos-train iris but by analog_nmos, train_wine" in failed.err
