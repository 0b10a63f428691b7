"""The vocabulary of results: there and back, and from what earlier versions of every suite recorded."""

import pytest

from common.runs.result import Result, from_columns, read_result

CHOSEN = Result(
    "selected_val_acc",
    {"val_acc": 0.94, "epoch": 10},
    {"val_acc": 0.95, "test_acc": 0.93},
    "validation split",
    7,
    {"edges": 571},
)
PLAIN = Result("final_test_acc", {"test_acc": 0.5, "epoch": 2})


@pytest.mark.parametrize("result", [CHOSEN, PLAIN])
def test_there_and_back(result):
    assert read_result({"result": result.json()}) == result
    assert from_columns(result.columns()) == result


def test_columns():
    assert CHOSEN.columns() == {
        "score": 0.95,
        "score_name": "selected_val_acc",
        "final_val_acc": 0.94,
        "final_epoch": 10,
        "selected_val_acc": 0.95,
        "selected_test_acc": 0.93,
        "selected_epoch": 7,
        "selected_on": "validation split",
        "edges": 571,
    }
    assert CHOSEN.json()["selected"] == {"val_acc": 0.95, "test_acc": 0.93, "on": "validation split", "epoch": 7}
    assert PLAIN.json() == {"score": "final_test_acc", "final": {"test_acc": 0.5, "epoch": 2}, "selected": None}


EARLIER = {
    "analog_nmos": (
        {"final_val_acc": 0.9, "selected_val_acc": 0.95, "selected_epoch": 3, "selected_on": "test set", "edges": 571},
        Result("selected_val_acc", {"val_acc": 0.9}, {"val_acc": 0.95}, "test set", 3, {"edges": 571}),
    ),
    "aanntwin": (
        {"final_epoch": 5, "test_loss": 0.3, "test_acc": 0.91},
        Result("final_test_acc", {"epoch": 5, "test_loss": 0.3, "test_acc": 0.91}),
    ),
    "magnetoionic": (
        {"final_test_acc": 0.97, "final_test_acc_std": 0.01, "swap_acc": 0.8, "swap_acc_std": 0.1},
        Result("final_test_acc", {"test_acc": 0.97, "test_acc_std": 0.01, "swap_acc": 0.8, "swap_acc_std": 0.1}),
    ),
    "corruption_study": (
        {"final_loss": 0.2, "test_accuracy": 0.8, "train_accuracy": 0.9, "test_accuracy_p0.5": 0.6},
        Result(
            "final_test_acc",
            {"train_loss": 0.2, "test_acc": 0.8, "train_acc": 0.9},
            more={"test_accuracy_p0.5": 0.6},
        ),
    ),
}


@pytest.mark.parametrize("suite", EARLIER)
def test_results_of_earlier_versions(suite):
    recorded, wanted = EARLIER[suite]
    assert read_result({"result": recorded}) == wanted


def test_trials_of_earlier_versions_are_averaged():
    trials = [
        {
            "trial": n,
            "mode": "none",
            "meta_loops": 4,
            "bounty_percent": p,
            "bounty_loop": 2,
            "test_accuracy_percent": 90.0,
        }
        for n, p in ((1, 90.0), (2, 94.0))
    ]
    result = read_result({"result": {"trials": trials}})
    assert (result.score, result.selected_on) == ("selected_val_acc", "validation set")
    assert result.value == pytest.approx(0.92)
    assert result.final == {"epoch": 4}
    assert result.more == {"trials": trials}


@pytest.mark.parametrize("meta", [{}, {"result": None}, {"result": 0.5}, {"result": {}}])
def test_no_result(meta):
    assert read_result(meta) is None
