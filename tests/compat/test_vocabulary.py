"""Finished runs of an earlier version, of every suite, show score, final and selected numbers by one vocabulary."""

import re

import pytest

from common.runs import load_run, load_runs
from common.runs.result import read_result

DONE = {
    "analog_nmos": "done",
    "aanntwin": "done",
    "psa_resmlp": "first",
    "corruption_study": "campaign/run_0000_mlp_relu_p0.0_r0",
    "magnetoionic": "done",
}
# By suite: the score, the metrics after the last epoch, those of the epoch that was selected, and on which images.
VOCABULARY = {
    "analog_nmos": ("selected_val_acc", {"val_acc"}, {"val_acc"}, "test set"),
    "aanntwin": ("final_test_acc", {"test_acc", "test_loss", "epoch"}, set(), ""),
    "psa_resmlp": ("selected_val_acc", {"epoch"}, {"val_acc", "test_acc"}, "validation set"),
    "corruption_study": ("final_test_acc", {"test_acc", "train_acc", "train_loss"}, set(), ""),
    "magnetoionic": ("final_test_acc", {"test_acc", "test_acc_std", "swap_acc", "swap_acc_std"}, set(), ""),
}
# What each recorded, in its own words and units: final accuracy, selected accuracy, as fractions.
RECORDED = {
    "analog_nmos": lambda result: (result["final_val_acc"], result["selected_val_acc"]),
    "aanntwin": lambda result: (result["test_acc"], None),
    "psa_resmlp": lambda result: (None, result["trials"][0]["bounty_percent"] / 100),
    "corruption_study": lambda result: (result["test_accuracy"], None),
    "magnetoionic": lambda result: (result["final_test_acc"], None),
}
SWEEPS = {
    "analog_nmos": ("sweep", "selected_val_acc"),
    "psa_resmlp": ("study", "selected_val_acc"),
    "corruption_study": ("campaign", "final_test_acc"),
    "magnetoionic": ("figure", "final_test_acc"),
}


@pytest.mark.parametrize("suite", DONE)
def test_the_result_of_an_earlier_run_has_the_shared_names(unpacked, suite):
    record = load_run(unpacked(suite) / DONE[suite])
    result = read_result(record.meta)
    score, final, selected, on = VOCABULARY[suite]
    assert result.score == score
    assert final <= set(result.final)
    assert set(result.selected) == selected
    assert result.selected_on == on
    accuracies = [value for found in (result.final, result.selected) for name, value in found.items() if "_acc" in name]
    assert accuracies
    assert all(0.0 <= value <= 1.0 for value in accuracies)
    assert result.value in accuracies
    assert record.result["score"] == result.value
    assert result.value == pytest.approx(next(filter(None, RECORDED[suite](record.meta["result"])[::-1])), rel=1e-15)
    again = read_result({"result": result.json()})
    assert again == result


@pytest.mark.parametrize("suite", DONE)
def test_a_list_of_runs_shows_final_and_selected_accuracy(unpacked, here, suite):
    place = unpacked(suite)
    out = here("common.browse", "runs", str((place / DONE[suite]).parent)).out
    header, *lines = (re.split(r"\s{2,}", line) for line in out.splitlines())
    (shown,) = [dict(zip(header, line, strict=True)) for line in lines if line[-1].endswith(f"/{DONE[suite]}")]
    assert shown["status"] == "done"
    assert 0.0 <= float(shown["score"]) <= 1.0
    assert shown["selected on"] == (VOCABULARY[suite][3] or "-")
    final, selected = RECORDED[suite](load_run(place / DONE[suite]).meta["result"])
    for name, value in (("final", final), ("selected", selected)):
        if value is None:
            assert shown[name] == "-"
        else:
            assert float(shown[name]) == pytest.approx(value, abs=5.1e-5)


@pytest.mark.parametrize("suite", DONE)
def test_a_table_of_runs_has_score_final_and_selected(unpacked, suite):
    place = unpacked(suite)
    (row,) = load_runs([place / DONE[suite]]).to_dict("records")
    score, final, selected, on = VOCABULARY[suite]
    assert row["score_name"] == score
    assert row["score"] == row[score]
    assert 0.0 <= row["score"] <= 1.0
    assert {f"final_{name}" for name in final} | {f"selected_{name}" for name in selected} <= set(row)
    assert row.get("selected_on", "") == on


def test_one_table_of_finished_runs_of_all_suites(unpacked, tmp_path):
    for suite in DONE:
        unpacked(suite, tmp_path / suite)
    table = load_runs([tmp_path / suite / folder for suite, folder in DONE.items()])
    assert table["score_name"].tolist() == [VOCABULARY[suite][0] for suite in DONE]
    assert table["score"].between(0.0, 1.0).all()


@pytest.mark.parametrize("suite", SWEEPS)
def test_the_table_of_a_sweep_compares_by_the_score(unpacked, here, suite):
    unpacked(suite)
    folder, score = SWEEPS[suite]
    out = here("common.browse", "table", folder, "--no-plots").out
    assert f"\n{score}" in out
    best = out.partition("\nbest ")[2].splitlines()
    column = best[1].split().index(score)
    assert all(0.0 <= float(line.split()[column]) <= 1.0 for line in best[2:])
