"""The recipe of a task: trained, resumed, drawn and compared from a folder of a user's own."""

import json

import numpy as np

from common.runs import load_run

NAME = "largest:Largest"


def test_a_task_of_a_users_own(recipe, tmp_path):
    own = recipe("A task")
    for line in own.commands[:3]:
        own.run(line)
    record = load_run(tmp_path / "run")
    assert (record.meta["task"], record.meta["job"]) == (NAME, "train_Largest")
    assert record.meta["classes"] == [f"number {k}" for k in range(4)]
    assert record.meta["plugins"] == {NAME: str(tmp_path / "largest.py")}
    assert list(record.meta["plugin_digests"]) == [NAME]
    assert record.config["numbers"] == 4
    assert len(record.array("0_val_acc")) == 11
    assert record.array("0_vg_unique_epoch10").shape == (4 * (2 * 4 + 2),)
    assert record.result["selected_test_acc"] > 0.7  # of four numbers
    assert (tmp_path / "run" / "figures" / "confusion_epoch10.png").exists()
    assert f"{record.result['selected_test_acc']:.4f} (" in own.run(own.commands[3])


def test_a_run_of_it_is_resumed_to_the_same_numbers(recipe, tmp_path):
    own = recipe("A task")
    words = own.commands[0].replace("--epochs 5 --run-dir run", "--samples 1000 --snapshot-every 1 --quiet --no-plots")
    assert "go on with --resume stopped" in own.interrupt(f"{words} --epochs 4000 --run-dir stopped", "stopped", 3)
    meta = tmp_path / "stopped" / "run_meta.json"
    content = json.loads(meta.read_text())
    epochs = len(load_run(tmp_path / "stopped").metrics) + 1  # some more than there are
    meta.write_text(json.dumps(content | {"config": content["config"] | {"epochs": epochs}}))
    own.run("nmos-train --resume stopped")
    own.run(f"{words} --epochs {epochs} --run-dir whole")
    whole, stopped = (load_run(tmp_path / name) for name in ("whole", "stopped"))
    for name in ("0_val_hinge", "0_train_hinge", f"0_vg_unique_epoch{epochs}"):
        assert np.array_equal(whole.array(name), stopped.array(name)), name


def test_another_file_is_seen(recipe, tmp_path):
    own = recipe("A task")
    own.run(own.commands[0])
    file = tmp_path / "largest.py"
    text = file.read_text()
    file.write_text(text + "\n# a remark\n")
    assert f"warning: {NAME} has changed since the run began" in own.run("nmos-train --resume run --epochs 6")
    file.write_text(text.replace("default_rng(0)", "default_rng(1)"))
    printed = own.run("nmos-train --resume run --epochs 7", code=2)
    assert f"run folder run: the samples of {NAME} have changed since the run began" in printed
    assert len(load_run(tmp_path / "run").metrics) == 7


def test_it_is_refused_in_one_line(recipe):
    own = recipe("A task")
    for words, text in (
        ("largest:Smallest", "task largest:Smallest: no Smallest in largest"),
        ("largest:Rows", "is not of type analog_nmos.tasks.base.Task"),
        (f"{NAME} --numbers 1", "argument --numbers: 1 is out of range; it must be at least 2"),
        (f"{NAME} --digits 4", "unrecognized arguments: --digits"),
    ):
        printed = own.run(f"nmos-train {words}", code=2)
        assert printed.startswith("error: ")
        assert text in printed
        assert printed.count("\n") == 1
