"""Confusion matrices carry the counts of the folder."""

import numpy as np
import pytest

from analog_nmos.figures.confusion import confusion_matrices
from analog_nmos.figures.run_files import OtherKind
from analog_nmos.topology import dense

pytestmark = pytest.mark.usefixtures("foreign_settings")


def draw(run, caught, tmp_path, counts):
    np.save(run.folder / "0_val_confusion_epoch1.npy", counts)
    figures = caught("confusion")
    confusion_matrices(run, 1, tmp_path)
    names = ("confusion_epoch1", "confusion_errors_epoch1", "confusion_errors_log_epoch1")
    return [figures[name] for name in names]


def shown(fig):
    return fig.axes[0].images[0].get_array().filled(np.nan)


def test_counts_errors_and_errors_on_a_log_scale(make_run, caught, tmp_path):
    run, _ = make_run()
    counts = np.array([[50, 2, 0], [1, 120, 4], [0, 7, 48]])
    whole, errors, log = draw(run, caught, tmp_path, counts)
    nan = np.nan
    np.testing.assert_array_equal(shown(whole), counts)
    np.testing.assert_array_equal(shown(errors), [[nan, 2, 0], [1, nan, 4], [0, 7, nan]])
    np.testing.assert_array_equal(shown(log), [[nan, 2, nan], [1, nan, 4], [nan, 7, nan]])
    assert whole.axes[0].get_title() == "epoch 1: 94.0 % of 232 correct"
    texts = [text.get_text() for text in whole.axes[0].texts]
    assert texts == [str(count) for count in counts.ravel()]


@pytest.mark.parametrize("counts", [np.diag([3, 4, 5]), np.zeros((3, 3), int), np.diag([900, 1200, 3000]) + 1])
def test_nothing_wrong_nothing_at_all_and_thousands(make_run, caught, tmp_path, counts):
    run, _ = make_run()
    for fig in draw(run, caught, tmp_path, counts):
        fig.draw_without_rendering()
        width, height = fig.get_size_inches()
        box = fig.get_tightbbox()
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height


@pytest.mark.parametrize(("on", "name"), [("validation split", "validation"), ("training set", "training")])
def test_what_is_no_test_is_not_called_so(make_run, caught, tmp_path, on, name):
    run, _ = make_run(validated_on=on)
    fig, *_ = draw(run, caught, tmp_path, np.eye(3, dtype=int))
    assert fig.axes[0].images[0].colorbar.ax.get_ylabel() == f"{name} samples"


def test_classes_of_levels_have_their_names(make_run, caught, tmp_path):
    readout = {"pairs": True, "answer": "nearest level", "levels_V": [0.0, -0.087]}
    run, _ = make_run(dense(2, 2), readout=readout, classes=["low", "high"])
    fig, *_ = draw(run, caught, tmp_path, np.array([[2, 0], [1, 1]]))
    assert [label.get_text() for label in fig.axes[0].get_xticklabels()] == ["low", "high"]


def test_values_have_none(make_run, tmp_path):
    run, _ = make_run(readout={"answer": "value", "values": ["output"]})
    with pytest.raises(OtherKind, match="answers are values"):
        confusion_matrices(run, 1, tmp_path)
