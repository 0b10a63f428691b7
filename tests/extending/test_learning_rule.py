"""The recipe of a learning rule: trained, resumed and swept from a folder of a user's own."""

import numpy as np

from common.runs import load_run, load_sweep


def test_a_learning_rule_of_a_users_own(recipe, tmp_path):
    own = recipe("A learning rule")
    own.run(own.commands[0])
    own.run(own.commands[1])
    record = load_run(tmp_path / "run")
    assert record.config["quantity"] == "size_rule:Size"
    assert record.config["optimizer_options"] == "most=0.02"
    assert len(record.metrics) == 4
    steps_V = np.abs(record.array("0_vg_unique_epoch3") - record.array("0_vg_unique_epoch2"))
    assert steps_V.max() > 0
    own.run(own.commands[2])
    table = load_sweep(tmp_path / "sizes")
    assert sorted(table["quantity"]) == ["size_rule:Size", "size_rule:Size", "squared-drop", "squared-drop"]
    assert table["score"].notna().all()
    assert "size_rule" in own.run(own.commands[3])
