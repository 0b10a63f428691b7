"""The recipe of a circuit backend: trained, interrupted, resumed, swept and drawn from a folder of a user's own."""

import numpy as np
import pytest

from common.runs import load_run, load_sweep


def test_a_backend_of_a_users_own(recipe, tmp_path):
    own = recipe("A circuit backend")
    for line in own.commands[:3]:
        own.run(line)
    record = load_run(tmp_path / "run")
    assert record.config["backend"] == "resistors:Resistors"
    assert record.meta["plugins"]["resistors:Resistors"].endswith("resistors.py")
    assert len(record.array("0_val_hinge")) == 4
    assert record.result["final_val_acc"] > 0.3  # of ten digits; resistors alone do not tell them well apart
    drawn = {path.name for path in (tmp_path / "run" / "figures").iterdir()}
    assert drawn == {"learning_curves_acc.png", "learning_curves_hinge.png", "vg_heatmap_epoch3.png"}
    assert "2 of 2 runs done, 0 failed" in own.run(own.commands[3])
    assert load_sweep(tmp_path / "gammas")["score"].notna().all()
    assert "selected_val_acc" in own.run(own.commands[4])


@pytest.mark.slow
def test_a_run_on_it_is_resumed_to_the_same_numbers(recipe, tmp_path):
    own = recipe("A circuit backend")
    words = "nmos-dense 1 --backend resistors:Resistors --epochs 8 --train-limit 300 --test-limit 50 --quiet"
    own.run(f"{words} --run-dir whole")
    assert "go on with --resume stopped" in own.interrupt(f"{words} --run-dir stopped", "stopped", 2)
    own.run("nmos-dense --resume stopped")
    whole, stopped = (load_run(tmp_path / name) for name in ("whole", "stopped"))
    for name in ("0_val_hinge", "0_train_hinge", "0_vg_unique_epoch8"):
        assert np.array_equal(whole.array(name), stopped.array(name)), name
