"""The published grids, and a small one as users run it."""

import re
from pathlib import Path

import pytest
from waiting import finish

from common.cli import build
from common.runs import load_run, load_sweep
from common.sweeps.axes import chosen_axes
from magnetoionic import sweep
from magnetoionic.config import TrainConfig

LAUNCHERS = Path(sweep.__file__).parent / "launchers"
SMALL = ("--task", "digits", "--layers", 16, "--batch_size", 32, "--n_models", 2)


def specs_of(number, **given):
    found = sweep.figure_sweep(number)
    return found.specs(chosen_axes(found.config, found.axes, None, given))


@pytest.mark.parametrize(("number", "count"), [(1, 12), (2, 12), (3, 48), (4, 36), (5, 36), (6, 12)])
def test_the_grids(number, count):
    specs = specs_of(number)
    assert len(specs) == count
    configs = [build(TrainConfig, dict(spec.config)) for spec in specs]
    assert {config.lr for config in configs} == {500, 1000, 2000, 3000, 4000, 5000}
    assert {config.fields for config in configs} == {("double-linear",), ("double-exponential",)}
    assert {(config.n_models, config.epochs, config.layers, config.seed) for config in configs} == {
        (10, 20, (512,), 100)
    }
    values = {(config.clipping, config.var, config.resistor_noise, config.physical_clipping) for config in configs}
    assert (
        values
        == {
            1: {(0.1, 0.2, 0.015, False)},
            2: {(0, 0, 0, False)},
            3: {(clipping, 0, 0, False) for clipping in (0.1, 0.2, 0.5, 1)},
            4: {(0, var, 0, False) for var in (0.1, 0.2, 0.5)},
            5: {(0, 0, noise, False) for noise in (0.15, 0.015, 0.0015)},
            6: {(0, 0.2, 0.015, True)},
        }[number]
    )


def test_names_and_other_axes():
    assert specs_of(2)[1].folder == "run_0001_double-linear_lr1000"
    assert specs_of(3)[0].name == "clipping0.1_double-linear_lr500"
    specs = specs_of(2, hidden="512+256", field="double-linear+double-exponential", lr="500", clipping="0,0.1")
    assert [spec.name for spec in specs] == [
        f"clipping{value}_double-linear+double-exponential_lr500" for value in ("0", "0.1")
    ]
    assert specs[0].config["layers"] == [512, 256]
    assert sweep.short(specs[0].config, 1)[0]["field"] == ["double-linear"]


def test_bad_words(here):
    assert "--figure: '7' is not one of 1, 2, 3, 4, 5, 6" in here("magnetoionic.sweep", "--figure", 7, code=2).err
    assert "'x' is not a list of sizes" in here("magnetoionic.sweep", "--hidden", "x", code=2).err
    assert "'cubic' is not one of double-linear" in here("magnetoionic.sweep", "--field", "cubic", code=2).err


def words_of(line):
    return re.findall(r"--(\w+) ([^\s-]\S*)", line)


@pytest.mark.parametrize("number", range(1, 7))
def test_launchers_train_the_same_as_the_sweep(number):
    """Run the launcher's loops with `echo` in the trainer's place."""
    import subprocess

    text = (LAUNCHERS / f"figure{number}.sh").read_text()
    text = re.sub(r"^train=.*$", "train=echo", text, flags=re.MULTILINE)
    done = subprocess.run(["bash", "-c", text, "x", "--n_models", "3"], capture_output=True, text=True, check=True)
    found = set()
    for line in done.stdout.splitlines():
        words = dict(words_of(line))
        found.add(
            (words["field"], *(float(words[name]) for name in ("lr", "clipping", "var", "resistor_noise")),
             "--physical_clipping" in line)
        )  # fmt: skip
        assert words["n_models"] == "3"
    wanted = set()
    for spec in specs_of(number):
        config = build(TrainConfig, dict(spec.config))
        wanted.add(
            (*config.fields, config.lr, config.clipping, config.var, config.resistor_noise, config.physical_clipping)
        )
    assert found == wanted


@pytest.mark.slow
def test_a_small_sweep_and_its_table(here, start, tmp_path):
    words = ("--figure", 1, *SMALL, "--epochs", 6, "--lr", "500,1000", "--field", "double-linear", "--sweep-dir", "s")
    words = [word for word in words if word != "--layers" and word != 16] + ["--hidden", "16"]
    process = start("magnetoionic.sweep", *words, "--workers", 2)
    out, err = finish(process)
    assert (process.returncode, err) == (0, ""), out + err
    assert "2 of 2 runs done, 0 failed" in out
    table = load_sweep(tmp_path / "s")
    assert table["status"].tolist() == ["done", "done"]
    assert (table["final_test_acc"] > 0.5).all()
    assert {"swap_acc", "final_test_acc_std", "swap_acc_std"} <= set(table)
    run = load_run(Path(table["folder"][0]))
    options = ("--task", "digits", "--layers", 16, "--batch_size", 32, "--n_models", 2, "--epochs", 6, "--lr", 500)
    options += ("--clipping", 0.1, "--resistor_noise", 0.015, "--var", 0.2, "--quiet", "--run-dir", "alone")
    here("magnetoionic.main", *options)
    assert run.meta["result"] == load_run(tmp_path / "alone").meta["result"]
    again = here("magnetoionic.sweep", *words)
    assert "2 of 2 runs done" in again.out
