"""The recipe of an ablation mode: trained, interrupted, resumed, swept, in tables and in figures."""

import csv

import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from common.runs import load_run


def rows(folder):
    with open(folder / "metrics.csv") as stream:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(stream)]


def test_its_commands_show_the_mode_by_its_title(recipe, tmp_path):
    mode = recipe("An ablation mode")
    train, sweep, latex, heatmap, convergence, table = mode.commands
    assert "now in mode" not in mode.run(train)
    run = load_run(tmp_path / "results/psa_resmlp/latest")
    assert run.meta["plugins"] == {"flipped:Flipped": str(tmp_path / "flipped.py")}
    assert {row["mode"] for row in rows(run.folder)} == {"flipped:Flipped"}
    assert "2 of 2 runs done, 0 failed" in mode.run(sweep)
    assert (tmp_path / "sweep/run_0001_2x8_Flipped_trial01/DONE").is_file()
    text = (tmp_path / "sweep/psa_resmlp_trials.md").read_text()
    assert "Mode Flipped: flipped:Flipped" in text
    assert "| Trial | None | Decay | Dropout | Full | Hidden | Output | Flipped |" in text
    assert r"& \textbf{Flipped} &" in mode.run(latex)
    for line, file in ((heatmap, "ResMLP_Heatmap_Winning_Strategy"), (convergence, "ResMLP_Plot_Convergence")):
        mode.run(line)
        assert (tmp_path / f"figures/{file}.png").is_file()
    assert "flipped:Flipped" in mode.run(table)


@pytest.mark.slow
def test_its_damage_is_the_same_after_an_interruption(recipe, tmp_path):
    """The network and its damaged copy, in a stack of two: what is drawn depends on the meta-loop alone."""
    mode = recipe("An ablation mode")
    words = (
        'psa-train --arch "[2*8]" --ablation-mode flipped:Flipped --trials 2 --stack 2 --until-loop 60 '
        "--dataset digits --threads 1 --lr 0.003 --model-dir {0} --run-dir {0}/run"
    )
    mode.run(words.format("whole"))
    assert "go on with --resume" in mode.interrupt(words.format("stopped"), "stopped/run", 8)
    mode.run("psa-train --resume stopped/run --quiet")
    assert rows(tmp_path / "whole/run") == rows(tmp_path / "stopped/run")
    for trial in ("trial_01", "trial_02"):
        one, other = (load_file(tmp_path / name / trial / "mnist_lkg.safetensors") for name in ("whole", "stopped"))
        assert all(one[name].equal(other[name]) for name in one)
        with safe_open(tmp_path / "whole" / trial / "mnist_lkg.safetensors", framework="pt") as file:
            assert file.metadata()["mode"] == "flipped:Flipped"
    layers = [row["ablated_layer"] for row in rows(tmp_path / "whole/run")]
    assert 0 < layers.count("") < len(layers) / 2


def test_a_mode_that_is_none_is_refused_in_one_line(recipe):
    mode = recipe("An ablation mode")
    for name, text in (
        ("flipped:Missing", "no Missing in flipped"),
        ("nowhere:Mode", "no module nowhere, neither in the working folder nor in PYTHONPATH"),
        ("half", "is not one of none, decay, dropout, full, hidden, output, package.module:Name"),
    ):
        printed = mode.run(f"psa-train --ablation-mode {name} --dataset digits", code=2)
        assert printed.startswith("error: argument --ablation-mode: ")
        assert text in printed
        assert printed.count("\n") == 1
