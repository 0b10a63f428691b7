"""Learning rules from the command line: kept by a run, resumed to the same numbers, swept, pruned; wrong options."""

import re

import numpy as np
import pytest

from analog_nmos.cards.model_card import default_card_path
from common.runs import load_run, load_sweep

AWARE = ("--quantity", "device-aware", "--phases", "centred", "--nudge-mode", "current", "--optimizer", "momentum")


def trained(command, *words):
    return command("analog_nmos.train", *words, "--no-plots", "--quiet")


def test_a_resumed_run_ends_in_the_numbers_of_one_that_was_not_stopped(command, tmp_path):
    rule = (*AWARE, "--terms", "power=0.01 homeostasis=0.001", "--eta", "0.1")
    trained(command, "xor", "3", *rule, "--epochs", "40", "--run-dir", "whole")
    trained(command, "xor", "3", *rule, "--epochs", "15", "--run-dir", "parts")
    trained(command, "--resume", "parts", "--epochs", "40")
    whole, parts = (load_run(tmp_path / name) for name in ("whole", "parts"))
    assert whole.config["delta"] == 0.1
    np.testing.assert_array_equal(whole.metrics["train_mse"], parts.metrics["train_mse"])
    arrays = [np.load(tmp_path / name / "checkpoint.npz") for name in ("whole", "parts")]
    assert arrays[0]["memory_rule"].shape == (1, 32)
    for name in ("gate_V", "memory_rule"):
        np.testing.assert_array_equal(arrays[0][name], arrays[1][name])


def test_a_damaged_memory_of_an_optimizer_is_refused(command, tmp_path):
    trained(command, "xor", "3", "--optimizer", "adam", "--epochs", "3", "--run-dir", "run")
    with np.load(tmp_path / "run" / "checkpoint.npz") as saved:
        arrays = dict(saved)
    arrays["memory_rule"] = arrays["memory_rule"][:2]
    np.savez(tmp_path / "run" / "checkpoint.npz", **arrays)
    shown = command("analog_nmos.train", "--resume", "run", "--epochs", "5", code=2).err
    assert "array memory_rule: has shape 2 x 32 and type float64; expected 4 x 32 and float64" in shown


def test_rules_are_axes_of_a_sweep_and_numbers_train_side_by_side(command, tmp_path):
    words = ("--quantity", "squared-drop,vector-field", "--eta", "0.1,0.2", "--seed", "0-1", "--epochs", "3")
    command("analog_nmos.train_sweep", "xor", *words, "--sweep-dir", "rules", "--no-plots", "--quiet")
    table = load_sweep(tmp_path / "rules")
    assert len(table) == 8
    assert sorted(set(table["quantity"])) == ["squared-drop", "vector-field"]
    assert sorted(set(table["delta"])) == [0.1, 0.2]
    trained(command, "xor", "1", "--quantity", "vector-field", "--eta", "0.2", "--epochs", "3", "--run-dir", "alone")
    same = table[(table["quantity"] == "vector-field") & (table["delta"] == 0.2) & (table["seed"] == 1)]
    swept, alone = load_run(tmp_path / "rules" / same["run"].item()), load_run(tmp_path / "alone")
    assert swept.metrics["val_mse"].tolist() == alone.metrics["val_mse"].tolist()


def test_an_optimizers_memory_is_pruned_with_its_edges(command, tmp_path):
    few = ("--epochs", "4", "--train-limit", "60", "--test-limit", "20", "--vg-init-lo", "0.5", "--vg-init-hi", "1.2")
    words = ("1", *few, "--optimizer", "momentum", "--backend", "native", "--vg-cutoff-epochs", "1", "--quiet")
    command("analog_nmos.auto_prune_trainer", *words, "--no-plots", "--run-dir", "pruned")
    state = np.load(tmp_path / "pruned" / "checkpoint.npz")
    assert state["memory_rule"].shape == (1, state["gate_V"].size)
    assert 0 < state["gate_V"].size < 640


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--quantity", "cubed"), "argument --quantity: 'cubed' is not one of squared-drop, device-aware"),
        (("--terms", "power"), "--terms: 'power' is not NAME=VALUE"),
        (("--terms", "heat=1"), "argument --terms: term 'heat' is not one of power, homeostasis"),
        (("--terms", "power=1 power=2"), "--terms: power comes twice"),
        (("--optimizer-options", "rate=1"), "--optimizer-options: unknown setting 'rate'"),
        (("--optimizer", "adam", "--optimizer-options", "first=2"), "--optimizer-options: first: 2 is out of range"),
        (("--rule", "adjoint", "--phases", "centred"), "--phases has no effect with --rule adjoint"),
        (("--rule", "adjoint", "--backend", "ngspice"), "needs --backend native"),
        (("--nudge-conductance", "0"), "argument --nudge-conductance: 0 is out of range; it must be above 0"),
    ],
)
def test_wrong_rules_end_in_one_line(command, words, message, tmp_path):
    shown = command("analog_nmos.train", "xor", "3", *words, "--run-dir", "run", code=2).err
    assert message in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("needs_ngspice")
def test_a_card_whose_threshold_is_not_known_is_refused(command, tmp_path):
    text = default_card_path().read_text().replace("level=1", "level=3")
    (tmp_path / "other.lib").write_text(re.sub(r"lambda=\S+", "theta=0.1", text))
    words = ("xor", "3", "--backend", "ngspice", "--model-card", "other.lib", "--run-dir", "run")
    shown = command("analog_nmos.train", *words, "--quantity", "device-aware", code=2).err
    assert shown.startswith(
        "error: this learning rule asks transistors for their own threshold and current: native does "
    )
    assert "level 3" in shown
    assert shown.count("\n") == 1
    assert not (tmp_path / "run").exists()
