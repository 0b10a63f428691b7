"""The recipe of a nonideality: a training that is interrupted and resumed, a sweep with its figure, a table."""

import json

import pytest
from safetensors.numpy import load_file

from common.runs import load_run


def test_a_nonideality_of_your_own(recipe, tmp_path):
    leak = recipe("A nonideality")
    training, more, sweep, table = leak.commands
    assert "training by PyTorch: there is no compiled kernel for leak:Leak" in leak.run(training)
    leak.run(more)
    run = load_run(tmp_path / "leaky")
    assert run.config["training_nonidealities_own"] == ["leak:Leak=0.3"]
    assert run.meta["plugins"] == {"leak:Leak": str(tmp_path / "leak.py")}
    assert run.result["final_epoch"] == 5
    assert run.result["final_test_acc"] > 0.5
    assert "2 of 12 trainings tested" in leak.run(sweep)
    tests = json.loads((tmp_path / "leak.json").read_text())["none"]
    assert tests["1.00"][0][0] > tests["0"][0][0]
    assert (tmp_path / "leak.png").read_bytes().startswith(b"\x89PNG")
    assert "train-none" in leak.run(table)


@pytest.mark.slow
def test_its_training_is_resumed_to_the_same_numbers(recipe, tmp_path):
    leak = recipe("A nonideality")
    words = leak.commands[0].replace("--count_epoch 3", "--count_epoch 12 --no-cache --threads 1")
    leak.run(words.replace("leaky", "whole"))
    assert "go on with --resume cut" in leak.interrupt(words.replace("leaky", "cut"), "cut", 2)
    leak.run("aanntwin --resume cut")
    whole, cut = (load_run(tmp_path / name) for name in ("whole", "cut"))
    assert cut.result == whole.result
    weights = [load_file(tmp_path / name / "checkpoint" / "epoch_00012.safetensors") for name in ("whole", "cut")]
    assert all((value == weights[1][name]).all() for name, value in weights[0].items())
