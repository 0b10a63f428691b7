"""`nmos-train-sweep` as a user calls it: any task, any of its options as an axis."""

import numpy as np
import pytest

from analog_nmos.tasks import TASKS
from analog_nmos.train import run
from analog_nmos.train_sweep import short, sweep_of_task
from common.errors import InputError
from common.runs import load_run, load_sweep
from common.sweeps.axes import chosen_axes
from common.sweeps.worker import Task, run_task

SWEEP = "analog_nmos.train_sweep"


def specs_of(name, **given):
    sweep = sweep_of_task(TASKS.get(name))
    return sweep.specs(chosen_axes(sweep.config, sweep.axes, None, given))


def same_as_alone(spec, folder, alone):
    """Whether a run of a sweep has the numbers of the same run by itself."""
    options = {name: value for name, value in spec.config.items() if name != "task"}
    run(TASKS.get(spec.config["task"])(**options, quiet=True, plots=False), alone)
    one, other = load_run(alone), load_run(folder / spec.folder)
    last = f"0_vg_unique_epoch{one.config['epochs']}"
    return all(np.array_equal(one.array(name), other.array(name)) for name in ("0_val_acc", last))


def test_side_by_side_as_alone_and_started_again(command, tmp_path):
    words = ("xor", "--seed", "3-4", "--delta", "0.05,0.5", "--epochs", 5, "--no-plots", "--sweep-dir", "sweep")
    assert "4 of 4 runs done, 0 failed" in command(SWEEP, *words).out
    table = load_sweep(tmp_path / "sweep")
    assert sorted(zip(table["seed"], table["delta"], strict=True)) == [(3, 0.05), (3, 0.5), (4, 0.05), (4, 0.5)]
    assert set(table["task"]) == {"xor"}
    before = (tmp_path / "sweep" / "run_0000_seed3_delta0.05" / "DONE").stat().st_mtime_ns
    assert "4 of 4 runs done" in command(SWEEP, *words).out
    assert (tmp_path / "sweep" / "run_0000_seed3_delta0.05" / "DONE").stat().st_mtime_ns == before
    for spec in specs_of("xor", seed="3-4", delta="0.05,0.5", epochs="5")[::3]:
        assert same_as_alone(spec, tmp_path / "sweep", tmp_path / spec.name)


def test_what_differs_in_data_or_network_does_not_train_side_by_side():
    assert len({spec.group for spec in specs_of("xor", delta="0.05,0.5", gamma="1,10", vg_init_hi="2,3")}) == 1
    for name, option, values in (
        ("xor", "level", "-0.087,-0.05"),
        ("xor", "side", "4,5"),
        ("iris", "bias", "true,false"),
        ("iris", "test_split", "0.2,0.3"),
        ("iris", "val_split", "0.2,0.3"),
        ("iris", "objective", "hinge,mse"),
        ("iris", "epochs", "2,3"),
    ):
        assert len({spec.group for spec in specs_of(name, **{option: values})}) == 2, option
    assert {spec.group for spec in specs_of("xor", backend="ngspice")} == {""}


def test_one_call_takes_options_in_which_networks_may_differ(tmp_path):
    specs = specs_of("iris", seed="1", order="fixed,shuffled", input_vmax="0.9,1", margin="0.02,0.05", epochs="2")
    assert len({spec.group for spec in specs}) == 1
    task = Task("t", str(tmp_path), f"{SWEEP}:train", True, tuple(specs), plots=False)
    assert [outcome.status for outcome in run_task(task, lambda _: None)] == ["done"] * 8
    assert same_as_alone(specs[1], tmp_path, tmp_path / "alone")


def test_by_default_ten_seeds():
    assert [spec.config for spec in specs_of("iris")] == [{"task": "iris", "seed": seed} for seed in range(10)]


def test_a_csv_file_and_a_task_of_ones_own(here, tmp_path):
    (tmp_path / "mine.csv").write_text("a,b,kind\n" + "".join(f"{k},{k % 3},{'xy'[k % 2]}\n" for k in range(40)))
    words = ("csv", "--task-csv", "mine.csv", "--target", "kind", "--seed", "0-2", "--list", "--sweep-dir", "new")
    assert here(SWEEP, *words).out == "run_0000_seed0\nrun_0001_seed1\nrun_0002_seed2\n"
    lines = "from analog_nmos.tasks.iris import Iris\n\n\nclass Flowers(Iris):\n    pass\n"
    (tmp_path / "flowers.py").write_text(lines)
    done = here(SWEEP, "flowers:Flowers", "--copies", "1,2", "--seed", 1, "--list")
    assert done.out == "run_0000_copies1\nrun_0001_copies2\n"


def test_a_short_run_for_the_estimate_has_snapshots_as_far_apart():
    xor = TASKS.get("xor")
    assert short(xor, {"task": "xor", "epochs": 5000}, 3) == (
        {"task": "xor", "epochs": 96, "snapshot_every": 32},
        1.0,
    )
    assert short(xor, {"task": "xor", "epochs": 50}, 3)[0]["epochs"] == 3
    few = short(xor, {"task": "xor", "epochs": 5000, "snapshot_every": 1000}, 1)[0]
    assert (few["epochs"], few["snapshot_every"]) == (50, 1000)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "error: name a task first: digits, "),
        (("rose",), "error: task 'rose' is not one of digits, "),
        (("xor", "--delta", "0.05,much"), "error: argument --delta: 'much' is not a number"),
        (("xor", "--train-limit", 5), "error: unrecognized arguments: --train-limit 5"),
        (("csv", "--target", "kind"), "error: name the file by --task-csv"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(here, tmp_path, words, message):
    failed = here(SWEEP, *words, code=2)
    assert failed.err.startswith(message)
    assert failed.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_options_of_the_task_are_shared_in_a_call_by_hand_too(here, tmp_path):
    (tmp_path / "levels.jsonl").write_text('{"seed": 1}\n{"level": -0.05}\n')
    failed = here("analog_nmos.train", "xor", "--replicas", "levels.jsonl", code=2)
    assert "replicas must share level: -0.05 differs from -0.087" in failed.err


def test_a_bad_range_is_refused():
    with pytest.raises(InputError, match="the range 9-3 ends before it begins"):
        specs_of("xor", seed="9-3")
