"""`magnetoionic-train` as users run it: files, resuming, signals, wrong input."""

import json
import re
import signal

import numpy as np
import pytest
import torch
from waiting import finish, wait_until

from common.errors import Interrupted
from common.runs import load_run
from magnetoionic.curves import DOUBLE
from magnetoionic.images import padded
from magnetoionic.modules import Network
from magnetoionic.simulation import Simulation

MAIN = "magnetoionic.main"
SMALL = ("--task", "digits", "--layers", 24, "--batch_size", 32, "--lr", 1000, "--resistor_noise", 0.015)
SMALL += ("--clipping", 0.01)
KEYS = """
task seed padding batch_size layers epochs input_scale voltage_noise resistor_noise time_switch init optimizer criterion
loss accuracy swap_accuracy optimizer_parameters
""".split()
RULE_KEYS = "lr field scale device_variability clipping physical_clipping".split()


def numbers(folder):
    """Everything a simulation computed, by the ends of its files' names."""
    found = {}
    name = load_run(folder).meta["simulation"]
    for path in folder.glob(f"{name}-*"):
        key = path.name.removeprefix(name)
        if path.suffix == ".json":
            found[key] = json.loads(path.read_text())
        else:
            value = torch.load(path, weights_only=True)
            tensors = value if isinstance(value, dict) else {"": value}
            found |= {f"{key}:{part}": tensor.numpy().tobytes() for part, tensor in tensors.items()}
    metrics = load_run(folder).metrics.drop(columns="epoch_s")
    return found, metrics.to_csv(index=False)


def test_a_simulation_leaves_every_file(here, tmp_path):
    out = here(MAIN, *SMALL, "--epochs", 6, "--n_models", 2, "--compute_intermediate").out
    folders = list((tmp_path / "simulations").iterdir())
    name = folders[0].name
    assert len(folders) == 1
    settings = "digits-double-linear-1000.0-var-0.2-clipping-0.01-resistor-0.015-voltage-1.5e-06"
    assert re.fullmatch(r"\d{14}-" + re.escape(settings), name)
    ends = ["", "-accuracies", "-gradients", "-gradients-by-layer", "-intensity-layer-0", "-intensity-layer-1"]
    ends += ["-voltage-layer-0", "-voltage-layer-1"]
    wanted = {f"{name}-{i}{end}.pth" for i in (0, 1) for end in ends} | {f"{name}-{i}.json" for i in (0, 1)}
    assert {path.name for path in folders[0].iterdir()} == wanted | {"run_meta.json", "metrics.csv", "train_log.txt"}
    record = load_run(folders[0])
    assert record.status == "done"
    assert len(record.metrics) == 6
    accuracies = []
    for i in (0, 1):
        facts = json.loads((folders[0] / f"{name}-{i}.json").read_text())
        assert set(KEYS) <= set(facts)
        assert set(facts["optimizer_parameters"]) == set(RULE_KEYS)
        assert (facts["seed"], facts["model_seed"]) == (100, 100 + i)
        assert facts["optimizer_parameters"]["field"] == ["double-linear"]
        assert facts["time_switch"] is None
        assert isinstance(facts["swap_accuracy"], float)
        assert facts["voltage_noise"] == pytest.approx(1.5e-6)
        curve = torch.load(folders[0] / f"{name}-{i}-accuracies.pth", weights_only=True)
        assert curve.shape == (6,)
        assert 100 * float(curve[-1]) == pytest.approx(facts["accuracy"])
        assert record.metrics[f"test_acc_{i}"].tolist() == pytest.approx(curve.tolist())
        gradients, by_layer = (
            torch.load(folders[0] / f"{name}-{i}-gradients{end}.pth", weights_only=True) for end in ("", "-by-layer")
        )
        assert (gradients.dtype, by_layer.shape) == (torch.float32, (6, 2))
        devices = torch.tensor([1024 * 24, 24 * 10], dtype=torch.float64)
        assert torch.allclose(gradients.double(), (by_layer @ devices) / devices.sum())
        weights = torch.load(folders[0] / f"{name}-{i}.pth", weights_only=True)
        assert weights["layers.2.num_batches_tracked"] == weights["layers.5.num_batches_tracked"] == 6 * 45
        accuracies.append(facts["accuracy"])
    assert min(accuracies) > 70
    assert f"test accuracy {np.mean(accuracies):.2f} +- {np.std(accuracies):.2f} %, after field relaxation" in out


def test_saved_weights_run_in_the_definition(here, tmp_path):
    from common.datasets import load

    words = ("--task", "digits", "--layers", 24, "--batch_size", 32, "--lr", 1000, "--var", 0, "--epochs", 6)
    here(MAIN, *words, "--n_models", 1, "--compute_intermediate", "--run-dir", "run", "--quiet")
    name = load_run(tmp_path / "run").meta["simulation"]
    network = Network((24,), DOUBLE["double-linear"])
    network.load_state_dict(torch.load(tmp_path / "run" / f"{name}-0.pth", weights_only=True))
    assert [key for key in network.state_dict() if "weight" in key] == [
        "layers.1.weight1", "layers.1.weight2", "layers.4.weight1", "layers.4.weight2",
    ]  # fmt: skip
    data = load("digits28")
    images = torch.from_numpy(padded(data.test_x).astype(np.float32) / 255)
    network.eval()
    right = float((network(images).argmax(1).numpy() == data.test_y).mean())
    assert 100 * right == pytest.approx(json.loads((tmp_path / "run" / f"{name}-0.json").read_text())["accuracy"])
    first = images[:1] * 0.001
    files = [f"{name}-0-{kind}-layer-{k}.pth" for k in (0, 1) for kind in ("intensity", "voltage")]
    current1, voltage1, current2, voltage2 = (torch.load(tmp_path / "run" / file, weights_only=True) for file in files)
    assert torch.allclose(current1, first, rtol=1e-5)
    layers = network.layers
    assert torch.allclose(voltage1, first @ (layers[1].weight2 - layers[1].weight1).T, rtol=1e-3, atol=1e-9)
    hidden = torch.relu(layers[2](voltage1)) * 0.001
    assert torch.allclose(current2, hidden, rtol=1e-3, atol=1e-8)
    assert torch.allclose(voltage2, hidden @ (layers[4].weight2 - layers[4].weight1).T, rtol=1e-2, atol=1e-9)


def test_models_together_are_models_one_by_one_for_any_number_of_threads(here, tmp_path):
    words = (*SMALL, "--epochs", 2, "--quiet")
    here(MAIN, *words, "--n_models", 3, "--threads", 2, "--run-dir", "two")
    here(MAIN, *words, "--n_models", 3, "--threads", 1, "--run-dir", "one")
    assert numbers(tmp_path / "two") == numbers(tmp_path / "one")
    here(MAIN, *words, "--n_models", 1, "--seed", 101, "--run-dir", "alone")
    together, alone = numbers(tmp_path / "two")[0], numbers(tmp_path / "alone")[0]
    for key, value in alone.items():
        wanted = (
            {**value, "seed": 100} if isinstance(value, dict) else value
        )  # the simulation's; the model's is beside it
        assert together[key.replace("-0", "-1", 1)] == wanted
    assert together["-0.pth:layers.1.weight1"] != together["-1.pth:layers.1.weight1"]


@pytest.mark.parametrize("two_fields", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_killed_and_resumed_equals_never_stopped(here, start, tmp_path, two_fields):
    words = (*SMALL, "--epochs", 8, "--n_models", 2)
    words += ("--field", "double-linear", "double-exponential") if two_fields else ()
    here(MAIN, *words, "--run-dir", "whole", "--quiet")
    process = start(MAIN, *words, "--run-dir", "cut")
    log = tmp_path / "cut" / "train_log.txt"
    wait_until(lambda: log.exists() and "epoch 3" in log.read_text(), process)
    process.kill()
    process.wait()
    assert load_run(tmp_path / "cut").status == "dead"
    out = here(MAIN, "--resume", "cut").out
    assert "epoch 8" in out
    assert "epoch 2:" not in out
    assert numbers(tmp_path / "cut") == numbers(tmp_path / "whole")
    fields = load_run(tmp_path / "whole").metrics["field"].tolist()
    assert fields == ["double-linear"] * (4 if two_fields else 8) + ["double-exponential"] * (4 * two_fields)
    assert "is done" in here(MAIN, "--resume", "cut", code=2).err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_signals_interrupt(start, tmp_path, number, code):
    process = start(MAIN, *SMALL, "--epochs", 2000, "--n_models", 2, "--run-dir", "cut")
    log = tmp_path / "cut" / "train_log.txt"
    wait_until(lambda: log.exists() and "epoch 2" in log.read_text(), process)
    process.send_signal(number)
    _, err = finish(process, code)
    assert err.count("\n") == 1
    assert "--resume cut" in err
    record = load_run(tmp_path / "cut")
    assert record.status == "interrupted"
    assert len(record.metrics) >= 2


BAD = [
    (("--epochs", 0), "argument --epochs: 0 is out of range; it must be at least 1"),
    (("--field", "cubic"), "'cubic' is not one of double-linear"),
    (("--field", "double-linear", "single-weak"), "single devices cannot become pairs"),
    (("--field", "double-linear", "double-exponential", "double-linear"), "--field has 3 words"),
    (("--field", "double-linear", "double-exponential", "--time_switch", 30), "--time-switch 30 is more than --epochs"),
    (("--task", "cifar"), "'cifar' is not one of MNIST, Fashion, digits"),
    (("--task", "MNIST", "--data-root", "nowhere/else"), "no mnist in"),
    (("--task", "digits", "--batch_size", 359), "leaves a last batch of one of 1437 images"),
    (("--lr", "-1"), "-1 is out of range; it must be above 0"),
    (("--device-curve", "none.csv"), "device curve none.csv: no such file"),
    (("--resume", "nowhere"), "run folder nowhere: no run_meta.json in it"),
    (("--task", "digits", "--run-dir", "file"), "run folder file: is a file"),
    (("--compat", "mine"), "'mine' is not one of published"),
    (("--epochs", "99999999999999999999"), "argument --epochs: 99999999999999999999 does not fit into 64 bits"),
    (("--n_models", 10**11), "argument --n-models: out of range; it must be at most 10000"),
    (("--layers", 10**23), "argument --layers: 100000000000000000000000 does not fit into 64 bits"),
    (("--layers", 90_000, 90_000), "argument --layers: 8193060000 weights; allowed: at most 200000000 in a model"),
    (("--batch_size", 70_000), "argument --batch-size: out of range; it must be at most 65535"),
]


@pytest.mark.parametrize(("words", "message"), BAD)
def test_bad_input_is_one_line_and_nothing_is_written(here, tmp_path, monkeypatch, words, message):
    (tmp_path / "file").write_text("hello\n")
    monkeypatch.setattr("common.datasets._download", lambda name, root: None)  # no network
    failed = here(MAIN, *words, code=2)
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert message in failed.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_resume_keeps_the_settings(here, tmp_path):
    here(MAIN, *SMALL, "--epochs", 1, "--n_models", 1, "--run-dir", "run", "--quiet")
    meta = json.loads((tmp_path / "run" / "run_meta.json").read_text())
    (tmp_path / "run" / "run_meta.json").write_text(json.dumps(meta | {"status": "interrupted"}))
    assert "--lr 5.0 differs from the run's 1000.0" in here(MAIN, "--resume", "run", "--lr", 5, code=2).err
    assert "leave out --run-dir" in here(MAIN, "--resume", "run", "--run-dir", "x", code=2).err
    (tmp_path / "run" / "checkpoint.npz").write_bytes(b"PK\x03\x04 broken")
    assert "not an NPZ file" in here(MAIN, "--resume", "run", code=2).err


def test_killed_before_it_is_done_on_disk_costs_no_epoch(here, python, tmp_path):
    words = [str(word) for word in (*SMALL, "--epochs", 2, "--n_models", 1, "--run-dir", "run", "--quiet")]
    code = "import os; from common.runs import Run; Run.finish = lambda *given: os._exit(9)"
    process = python("-c", f"{code}; from magnetoionic.main import main; main({words!r})")
    finish(process, 9)
    assert load_run(tmp_path / "run").status == "dead"
    here(MAIN, "--resume", "run")
    assert (tmp_path / "run" / "train_log.txt").read_text().count("epoch 1:") == 1
    assert load_run(tmp_path / "run").status == "done"
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


def test_a_simulation_of_an_earlier_version_goes_on_and_says_what_changed(here, tmp_path, monkeypatch):
    """Its checkpoint tells neither the update rule nor the losses of last batches; its files have their own name."""
    words = (*SMALL, "--epochs", 2, "--n_models", 2)
    here(MAIN, *words, "--run-dir", "whole", "--quiet")

    advance, calls = Simulation.advance, []

    def stopping(self):
        calls.append(self)
        if len(calls) == 2:
            raise Interrupted("stopped", signal.SIGINT)
        return advance(self)

    with monkeypatch.context() as patched:
        patched.setattr(Simulation, "advance", stopping)
        here(MAIN, *words, "--run-dir", "cut", code=130)
    folder = tmp_path / "cut"
    with np.load(folder / "checkpoint.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != "rule"}
    (record,) = json.loads(str(arrays["history"]))
    del record["last_loss"]
    np.savez(folder / "checkpoint.npz", **(arrays | {"history": np.array(json.dumps([record]))}))
    meta = json.loads((folder / "run_meta.json").read_text())
    (folder / "run_meta.json").write_text(json.dumps(meta | {"simulation": "20260101-000000-other"}))
    assert "epochs 1 to 1; for one rule throughout" in here(MAIN, "--resume", "cut").out
    assert (folder / "20260101-000000-other-1.pth").is_file()
    assert numbers(folder) == numbers(tmp_path / "whole")


@pytest.mark.parametrize("words", [("--resistor_noise", 1e30), ("--input-scale", 1e38)])
def test_arrays_that_are_not_finite_end_the_run(here, tmp_path, words):
    failed = here(MAIN, *SMALL, "--epochs", 1, "--n_models", 1, *words, "--run-dir", "run", code=1)
    assert re.fullmatch(r"error: \w+ of layer \d of the model with seed 100 is not finite after epoch 1\n", failed.err)
    assert load_run(tmp_path / "run").status == "failed"


def test_a_run_that_has_learned_nothing_says_so(here):
    words = ("--task", "digits", "--layers", 24, "--batch_size", 32, "--epochs", 2, "--n_models", 1)
    texts = [here(MAIN, *words, "--lr", lr, "--run-dir", f"lr{lr}").out for lr in (1e-6, 1000)]
    assert [text.count("warning: nothing learned after epoch 1: the loss 2.30") for text in texts] == [1, 0]


@pytest.mark.parametrize(("task", "data"), [("FashionMNIST", "fashion-mnist"), ("my-MNIST", "mnist")])
def test_any_word_with_a_task_in_it_names_the_task(here, monkeypatch, task, data):
    monkeypatch.setattr("common.datasets._download", lambda name, root: None)  # no network
    assert f"no {data} in" in here(MAIN, "--task", task, "--data-root", "nowhere", code=2).err


def test_a_loss_that_is_not_finite_ends_the_run(here, tmp_path, monkeypatch):
    monkeypatch.setattr("magnetoionic.kernels.norm.cross_entropy", lambda *arguments: (float("nan"), 0))
    error = here(MAIN, *SMALL, "--epochs", 1, "--n_models", 2, "--run-dir", "run", code=1).err
    assert error.startswith("error: the loss of the model with seed 10")
    assert error.endswith(" is nan in epoch 1, batch 1\n")
    assert load_run(tmp_path / "run").status == "failed"


def test_compat_published_ignores_physical_clipping_and_init(here, tmp_path):
    words = (*SMALL, "--epochs", 1, "--n_models", 1, "--quiet")
    here(MAIN, *words, "--run-dir", "plain")
    here(MAIN, *words, "--physical_clipping", "--init", 0.05, "--compat", "published", "--run-dir", "published")
    here(MAIN, *words, "--physical_clipping", "--run-dir", "clipped")
    here(MAIN, *words, "--init", 0.05, "--run-dir", "wide")
    weights = {name: numbers(tmp_path / name)[0]["-0.pth:layers.1.weight1"] for name in
               ("plain", "published", "clipped", "wide")}  # fmt: skip
    assert weights["published"] == weights["plain"]
    assert len(set(weights.values())) == 3
    name = load_run(tmp_path / "published").meta["simulation"]
    facts = json.loads((tmp_path / "published" / f"{name}-0.json").read_text())
    assert facts["init"] == 0.01
    assert facts["optimizer_parameters"]["physical_clipping"] is False


@pytest.mark.parametrize("field", ["single-linear", "single-strong", "single-weak"])
def test_single_devices_train(here, tmp_path, field):
    words = ("--task", "digits", "--layers", 16, "--batch_size", 32, "--epochs", 5, "--n_models", 1, "--lr", 500)
    here(MAIN, *words, "--field", field, "--scale", 0.5, "--run-dir", "run", "--quiet")
    assert load_run(tmp_path / "run").metrics["test_acc"].iloc[-1] > 0.6
    name = load_run(tmp_path / "run").meta["simulation"]
    facts = json.loads((tmp_path / "run" / f"{name}-0.json").read_text())
    assert facts["swap_accuracy"] == facts["accuracy"]  # there is no other field to relax to
    weights = torch.load(tmp_path / "run" / f"{name}-0.pth", weights_only=True)
    assert float(weights["layers.1.weight"].abs().max()) <= 0.5


def test_two_runs_of_one_second_do_not_collide(here, tmp_path, monkeypatch):
    monkeypatch.setattr("magnetoionic.outputs.simulation_name", lambda config: "same")
    for _ in range(2):
        here(MAIN, *SMALL, "--epochs", 1, "--n_models", 1, "--quiet")
    assert sorted(path.name for path in (tmp_path / "simulations").iterdir()) == ["same", "same-2"]


def test_dry_run_writes_nothing(here, tmp_path):
    out = here(MAIN, *SMALL, "--dry-run").out
    assert "10 model(s) of 24816 weights" in out
    assert re.search(r"\nabout \d:\d\d:\d\d \(h:mm:ss\)\n", out)
    assert list(tmp_path.iterdir()) == []
