"""The main command as a user runs it."""

import json
import re
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from waiting import finish, wait_until

from aanntwin.cache import Cache
from aanntwin.config import Settings
from aanntwin.weights import load_model_params, load_weights
from common.runs import load_run

MAIN = "aanntwin.main"
DIGITS = ("--dataset_name", "digits", "--threads", 1)
RESULT = re.compile(r"Average Loss:  (\d+\.\d{6})\nAccuracy:      (\d+\.\d{4})%\n")


def results(done):
    return [(float(loss), float(accuracy)) for loss, accuracy in RESULT.findall(done.out)]


def test_trains_tests_caches_and_saves(here, tmp_path):
    words = (*DIGITS, "--count_epoch", 2, "--train_params_lr", 0.01, "--output_path", "w.safetensors")
    first = here(MAIN, *words, "--timed", "--print_git_info", "--export-csv", "w.csv", "--export_spice", "w.sp")
    assert results(first)[0][1] > 85
    assert "git: " in first.out
    assert re.search(r"training: \d+\.\d{3} s\ntests: \d+\.\d{3} s", first.out)
    assert len(list((tmp_path / "cache/models").glob("*/epoch_*.safetensors"))) == 2
    weights = load_weights(tmp_path / "w.safetensors")
    assert load_model_params(tmp_path / "w.safetensors").kernel_size == 6
    assert (tmp_path / "w.csv").read_text().count("\n") == 1 + sum(value.numel() for value in weights.values())
    run = load_run(tmp_path / "results/aanntwin/latest")
    assert (run.status, run.config["train_params_lr"], run.config["count_epoch"]) == ("done", 0.01, 2)
    assert run.metrics["epoch"].tolist() == [1, 2]
    assert run.metrics["test_acc"][1] * 100 == pytest.approx(results(first)[0][1], abs=1e-3)
    assert "Accuracy:" in (run.folder / "train_log.txt").read_text()
    second = here(MAIN, *words)
    assert second.out.count("(cached)") == 2
    assert results(second) == results(first)
    more = here(MAIN, *words, "--count_epoch", 3, "--test_each_epoch")
    assert more.out.count("(cached)") == 2
    assert len(results(more)) == 3
    assert results(more)[1] == results(first)[0]


def test_no_cache_neither_reads_nor_writes(here, tmp_path):
    here(MAIN, *DIGITS, "--count_epoch", 1, "--no_cache", "--quiet")
    assert not (tmp_path / "cache").exists()


def test_normalize_is_what_output_path_saves(here, tmp_path):
    words = (*DIGITS, "--count_epoch", 1, "--quiet")
    plain = here(MAIN, *words, "--output_path", "plain.safetensors")
    scaled = here(MAIN, *words, "--normalize", "--output_path", "scaled.safetensors")
    before, after = results(scaled)
    assert [before] == results(plain)
    assert after[1] == before[1]
    assert after[0] != before[0]
    assert "normalized conv2d" in scaled.out
    pair = [load_weights(tmp_path / f"{name}.safetensors")["linear_bias"] for name in ("plain", "scaled")]
    assert not torch.allclose(*pair)


def test_groups_from_json_files(here, tmp_path):
    (tmp_path / "n.json").write_text(json.dumps({"input_noise": 0.2, "linear_input_nonlin": [0, 1, 0.1]}))
    here(MAIN, *DIGITS, "--count_epoch", 1, "--training_nonidealities_json", "n.json", "--quiet")
    config = load_run(tmp_path / "results/aanntwin/latest").config
    assert config["training_nonidealities_input_noise"] == 0.2
    assert config["training_nonidealities_linear_input_nonlin"] == [0, 1, 0.1]
    assert config["testing_nonidealities_input_noise"] is None


def test_testing_nonidealities_act_on_the_test_alone(here):
    words = (*DIGITS, "--count_epoch", 1, "--quiet")
    clean = results(here(MAIN, *words))
    noisy = here(MAIN, *words, "--testing_nonidealities_input_noise", 1.5)
    assert results(noisy)[0][0] > clean[0][0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model_params_stride", 5), "29, which stride 5"),
        (("--model_params_pool_size", 4), "pool_size 4 does not divide the convolution's output side 13"),
        (("--train_params_lr", 0), "above 0"),
        (("--train_params_batch_size", "x"), "not an integer"),
        (("--normalization_min_in", 1), "must differ"),
        (("--training_nonidealities_input_noise", -1), "at least 0"),
        (("--training_nonidealities_json", "absent.json"), "no such file"),
        (("--model_params_json", "list.json"), "no JSON object but list"),
        (("--model_params_json", "unknown.json"), "unknown setting 'width'"),
        (("--model_params_json", "unknown.json", "--model_params_stride", 1), "replaces the whole group"),
        (("--output_path", "absent/w.safetensors"), "folder that exists"),
        (("--compat", "other"), "published"),
        (("--device", "tpu"), "device is 'tpu'"),
        (("--engine", "compiled", "--device", "cuda"), "engine compiled runs on the cpu"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(here, tmp_path, words, message):
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "unknown.json").write_text('{"width": 3}')
    done = here(MAIN, *DIGITS, *words, code=2)
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert message in done.err
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "cache").exists()


def test_dry_run_writes_nothing(here, tmp_path):
    done = here(MAIN, *DIGITS, "--dry-run")
    assert "676" not in done.out.split("MACs")[1]
    assert "686 MACs, 31096 multipliers" in done.out
    assert "epochs: 100, in the cache 0" in done.out
    assert not list(tmp_path.iterdir())


def test_a_run_that_fails_is_recorded(here, tmp_path):
    done = here(MAIN, *DIGITS, "--train_params_lr", 1e38, "--run-dir", "run", code=1)
    assert "loss is not finite" in done.err
    assert load_run(tmp_path / "run").status == "failed"


def test_resumed_without_the_cache_it_equals_a_run_that_was_never_stopped(here, start, tmp_path):
    words = (*DIGITS, "--no-cache", "--train_params_lr", 0.01, "--train_params_momentum", 0.5, "--quiet")
    words += ("--training_nonidealities_input_noise", 0.1, "--model_params_conv_out_channels", 16)
    process = start(MAIN, *words, "--count_epoch", 1000, "--run-dir", "cut")
    wait_until(lambda: list((tmp_path / "cut").glob("checkpoint/epoch_*")), process)
    process.send_signal(signal.SIGINT)
    _, err = finish(process, 130)
    assert "go on with --resume cut" in err
    [last] = (tmp_path / "cut" / "checkpoint").iterdir()
    epochs = int(last.stem[-5:]) + 2
    meta = tmp_path / "cut" / "run_meta.json"
    meta.write_text(meta.read_text().replace('"count_epoch": 1000', f'"count_epoch": {epochs}'))
    cut = here(MAIN, "--resume", "cut")
    whole = here(MAIN, *words, "--count_epoch", epochs, "--run-dir", "whole")
    assert results(cut) == results(whole)
    columns = ["epoch", "train_loss", "test_loss", "test_acc", "cached"]
    pair = [load_run(tmp_path / name).metrics[columns] for name in ("cut", "whole")]
    assert pair[0].equals(pair[1])
    files = [load_file(next((tmp_path / name / "checkpoint").iterdir())) for name in ("cut", "whole")]
    assert all(torch.equal(value, files[1][name]) for name, value in files[0].items())
    assert not (tmp_path / "cache").exists()
    for change, message in (
        ((), "is done; there is nothing to go on with"),
        (("--count_epoch", 1), f"is less than the run's {epochs}"),
        (("--training_nonidealities_input_noise", 0.2), "differs from the run's 0.1; start a new run"),
    ):
        assert message in here(MAIN, "--resume", "cut", *change, code=2).err
    assert load_run(tmp_path / "cut").result["final_test_acc"] == pytest.approx(results(cut)[0][1] / 100, abs=1e-6)


def test_a_run_folder_of_another_run_is_refused(here):
    words = (*DIGITS, "--count_epoch", 1, "--run-dir", "run", "--quiet")
    here(MAIN, *words)
    here(MAIN, *words)  # the same run again goes on in its folder
    assert "holds a run already" in here(MAIN, *words, "--seed", 1, code=2).err


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_and_started_again_equals_never_stopped(here, python, tmp_path, number):
    words = (*DIGITS, "--train_params_lr", 0.01, "--training_nonidealities_input_noise", 0.1)
    words += ("--train_params_momentum", 0.5, "--run-dir", "cut", "--model_params_conv_out_channels", 16)
    process = python("-m", "aanntwin", *words, "--count_epoch", 1000)
    wait_until(lambda: len(list((tmp_path / "cache").glob("models/*/epoch_*"))) >= 2, process)
    process.send_signal(number)
    out, err = finish(process)
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert err.count("\n") == 1
        assert "go on with --resume cut" in err
        assert load_run(tmp_path / "cut").status == "interrupted"
    else:
        assert load_run(tmp_path / "cut").status == "dead"
    assert "Traceback" not in out + err
    done = [int(path.stem[-5:]) for path in (tmp_path / "cache").glob("models/*/epoch_*.safetensors")]
    epochs = max(done) + 2
    again = here(MAIN, *words, "--count_epoch", epochs)
    assert again.out.count("(cached)") == epochs - 2
    assert load_run(tmp_path / "cut").status == "done"
    assert load_run(tmp_path / "cut").metrics["epoch"].tolist() == list(range(1, epochs + 1))
    whole = here(MAIN, *words[:-4], *words[-2:], "--count_epoch", epochs, "--cache-dir", "other")
    assert results(whole) == results(again)
    files = [next((tmp_path / name).rglob(f"epoch_{epochs:05d}.safetensors")) for name in ("cache", "other")]
    first, second = (load_file(path) for path in files)
    assert set(first) == set(second)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("form", [("-m", "aanntwin"), "folder"])
def test_it_runs_as_a_module_and_as_a_folder(python, form, request):
    words = form if form != "folder" else (request.config.rootpath / "aanntwin",)
    process = python(
        *words, "--version-that-is-not", PYTHONPATH=str(request.config.rootpath) if form != "folder" else ""
    )
    _, err = finish(process, 2)
    assert err.startswith("error: unrecognized arguments")


@pytest.mark.slow
def test_mnist_after_one_epoch_of_the_defaults(here, mnist_root, monkeypatch, tmp_path):
    monkeypatch.setenv("NONIDEAL_DATA", str(mnist_root))
    done = here(MAIN, "--count_epoch", 1, "--threads", 1)
    assert results(done)[0] == pytest.approx((0.266698, 91.82), abs=0.02)  # the published program's
    assert Cache(tmp_path / "cache/models").epochs(Settings()) == [1]
    assert np.isfinite(results(done)).all()
