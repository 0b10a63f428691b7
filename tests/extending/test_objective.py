"""The recipe of an objective: trained, interrupted, resumed, swept and drawn from a folder of a user's own."""

import json

import numpy as np

from common.runs import load_run, load_sweep


def test_an_objective_of_a_users_own(recipe, tmp_path):
    own = recipe("An objective")
    for line in own.commands[:3]:
        own.run(line)
    record = load_run(tmp_path / "run")
    assert record.config["objective_options"] == "power=3"
    assert record.meta["objective"] == {
        "name": "soft_hinge:SoftHinge",
        "loss": "softhinge",
        "label": "soft hinge loss",
    }
    assert len(record.array("0_val_softhinge")) == 4
    assert record.result["final_val_acc"] > 0.8
    assert (tmp_path / "run" / "figures" / "learning_curves_softhinge.png").exists()
    assert "2 of 2 runs done, 0 failed" in own.run(own.commands[3])
    table = load_sweep(tmp_path / "powers")
    assert sorted(table["objective_options"]) == ["power=1", "power=3"]
    assert table["score"].notna().all()
    assert "selected_val_acc" in own.run(own.commands[4])


def test_a_run_of_it_is_resumed_to_the_same_numbers(recipe, tmp_path):
    own = recipe("An objective")
    words = own.commands[0].replace("--epochs 2 --run-dir run", "--train-limit 100 --test-limit 50 --quiet")
    assert "go on with --resume stopped" in own.interrupt(f"{words} --epochs 400 --run-dir stopped", "stopped", 3)
    meta = tmp_path / "stopped" / "run_meta.json"
    content = json.loads(meta.read_text())
    epochs = len(load_run(tmp_path / "stopped").metrics) + 1  # some more than there are
    meta.write_text(json.dumps(content | {"config": content["config"] | {"epochs": epochs}}))
    own.run("nmos-dense --resume stopped")
    own.run(f"{words} --epochs {epochs} --run-dir whole")
    whole, stopped = (load_run(tmp_path / name) for name in ("whole", "stopped"))
    for name in ("0_val_softhinge", "0_train_softhinge", f"0_vg_unique_epoch{epochs}"):
        assert np.array_equal(whole.array(name), stopped.array(name)), name


COUNTED = """
from fast_hinge import FastHinge

class Counted(FastHinge):
    kernel = FastHinge.kernel  # or a subclass that changes `evaluate` would not be compiled

    def evaluate(self, out_V, label):
        with open("counts.txt", "a") as stream:
            stream.write(f"{len(label)}\\n")
        return super().evaluate(out_V, label)
"""


def test_compiled_it_has_the_same_numbers_and_is_compiled(recipe, tmp_path):
    own = recipe("An objective")
    for line in (*own.commands[:2], *own.commands[5:7]):
        own.run(line)
    slow, fast = (load_run(tmp_path / name) for name in ("run", "fast"))
    assert fast.meta["objective"]["name"] == "fast_hinge:FastHinge"
    for name in ("0_val_softhinge", "0_train_softhinge", "0_train_acc", "0_vg_unique_epoch3"):
        np.testing.assert_allclose(fast.array(name), slow.array(name), rtol=1e-9, err_msg=name)
    assert "2 of 2 runs done, 0 failed" in own.run(own.commands[7])
    (tmp_path / "counted.py").write_text(COUNTED)
    own.run(own.commands[5].replace("fast_hinge:FastHinge", "counted:Counted").replace("--run-dir fast", "--run-dir c"))
    calls = [int(line) for line in (tmp_path / "counts.txt").read_text().split()]
    assert calls == [360] * 3  # validation before the first epoch and after each: none for a sample of training


def test_it_is_refused_in_one_line(recipe):
    own = recipe("An objective")
    start = "nmos-dense --backend native --objective soft_hinge"
    for words, text in (
        (":Softhinge", "soft_hinge:Softhinge: no Softhinge in soft_hinge"),
        (":Evaluation", "is not of type analog_nmos.objectives.base.Objective"),
        (":SoftHinge --objective-options power=0.5", "--objective-options: power: 0.5 is out of range"),
        (":SoftHinge --objective-options weight=2", "--objective-options: unknown setting 'weight'; known are power"),
        (":SoftHinge --objective-options power", "--objective-options: 'power' is not NAME=VALUE"),
    ):
        printed = own.run(f"{start}{words}", code=2)
        assert printed.startswith("error: ")
        assert text in printed
        assert printed.count("\n") == 1
