"""Curves show the histories, whole or interrupted."""

import numpy as np
import pytest

from analog_nmos.figures.curves import hinge_active, learning_curves, loss_of, timing
from analog_nmos.figures.run_files import LeftOut

pytestmark = pytest.mark.usefixtures("foreign_settings")


def series(fig):
    return {line.get_label(): line.get_ydata() for line in fig.axes[0].lines}


@pytest.mark.parametrize(("loss", "label"), [("hinge", "(V)"), ("ce", "(nat)"), ("mse", "(V²)")])
def test_accuracy_and_loss_of_every_objective(make_run, caught, loss, label):
    run, _ = make_run(loss=loss)
    figures = caught("curves")
    assert loss_of(run.folder)[0] == loss
    names = [path.name for path in learning_curves(run.folder)]
    assert names == ["learning_curves_acc", f"learning_curves_{loss}"]
    for quantity in ("acc", loss):
        shown = series(figures[f"learning_curves_{quantity}"])
        np.testing.assert_array_equal(shown["test"], run.array(f"0_val_{quantity}.npy"))
        np.testing.assert_array_equal(shown["training"][1:], run.array(f"0_train_{quantity}.npy"))
        assert np.isnan(shown["training"][0])
    assert label in figures[names[1]].axes[0].get_ylabel()


def test_a_run_stopped_in_its_first_epoch(make_run, caught):
    run, _ = make_run(epochs=0)
    for name in ("train_acc", "train_hinge", "hinge_active_frac", "epoch_free_s"):
        (run.folder / f"0_{name}.npy").unlink()
    figures = caught("curves")
    learning_curves(run.folder)
    assert list(series(figures["learning_curves_acc"])) == ["test"]
    assert hinge_active(run.folder) == []
    with pytest.raises(LeftOut, match=r"0_epoch_free_s\.npy is missing"):
        timing(run.folder)


def test_a_run_stopped_between_two_histories(make_run, caught):
    run, _ = make_run()
    np.save(run.folder / "0_train_acc.npy", np.array([0.1, 0.2]))
    np.save(run.folder / "0_train_hinge.npy", np.arange(5.0))
    np.save(run.folder / "0_epoch_free_s.npy", np.array([1.0, 2.0]))
    figures = caught("curves")
    learning_curves(run.folder)
    timing(run.folder)
    np.testing.assert_array_equal(series(figures["learning_curves_acc"])["training"], [np.nan, 0.1, 0.2, np.nan])
    np.testing.assert_array_equal(series(figures["learning_curves_hinge"])["training"], [np.nan, 0, 1, 2])
    assert all(len(values) == 2 for values in series(figures["timing"]).values())


def test_active_samples_in_percent(make_run, caught):
    run, _ = make_run()
    figures = caught("curves")
    hinge_active(run.folder)
    assert figures["hinge_active"].axes[0].lines[0].get_ydata().tolist() == [100, 75, 50]


def test_a_folder_without_histories(tmp_path):
    with pytest.raises(LeftOut, match="no history of a loss"):
        learning_curves(tmp_path)


@pytest.mark.parametrize(("last", "scale"), [(0.011, "linear"), (0.009, "log")])
def test_values_have_no_accuracy_and_a_loss_that_falls_far_has_a_log_scale(make_run, caught, last, scale):
    run, _ = make_run(loss="mse", readout={"pairs": False, "answer": "value", "values": ["output"]})
    for name, values in (("val", [0.1, 0.05, 0.02, last]), ("train", [0.1, 0.05, 0.02])):
        np.save(run.folder / f"0_{name}_mse.npy", np.array(values))
        (run.folder / f"0_{name}_acc.npy").unlink()
    figures = caught("curves")
    assert [path.name for path in learning_curves(run.folder)] == ["learning_curves_mse"]
    assert figures["learning_curves_mse"].axes[0].get_yscale() == scale


def test_a_loss_of_zero_is_on_no_log_scale(make_run, caught):
    run, _ = make_run(loss="mse", readout={"answer": "value", "values": ["output"]})
    np.save(run.folder / "0_val_mse.npy", np.array([0.1, 0.05, 0.0, 0.0]))
    figures = caught("curves")
    learning_curves(run.folder)
    assert figures["learning_curves_mse"].axes[0].get_yscale() == "linear"


def test_a_missing_accuracy_of_classes_is_missed(make_run):
    run, _ = make_run(readout={"pairs": True, "answer": "highest"})
    (run.folder / "0_val_acc.npy").unlink()
    with pytest.raises(LeftOut, match=r"0_val_acc\.npy is missing"):
        learning_curves(run.folder)


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("test set", ["training", "test"]),
        ("validation split", ["training", "validation"]),
        ("training set", ["training set, before each update", "training set, after the epoch"]),
    ],
)
def test_the_part_that_is_validated_has_its_name(make_run, caught, on, names):
    run, _ = make_run(validated_on=on)
    figures = caught("curves")
    learning_curves(run.folder)
    assert list(series(figures["learning_curves_hinge"])) == names


@pytest.mark.parametrize(("epochs", "size"), [(999, 1), (2503, 5)])
def test_times_of_thousands_of_epochs_are_medians(make_run, caught, epochs, size):
    run, _ = make_run()
    seconds = np.linspace(1, 2, epochs)
    seconds[10] = 99.0
    for part in ("total", "free", "clamp", "update"):
        np.save(run.folder / f"0_epoch_{part}_s.npy", seconds)
    figures = caught("curves")
    timing(run.folder)
    (ax,) = figures["timing"].axes
    line = ax.lines[0]
    assert len(line.get_ydata()) == -(-epochs // size)
    np.testing.assert_allclose(line.get_xdata()[:3], np.arange(3) * size + (size + 1) / 2)
    assert line.get_ydata()[1] == np.median(seconds[size : 2 * size])
    assert (line.get_ydata().max() == 99.0) == (size == 1)
    assert ax.get_ylabel() == ("time per epoch (s)" if size == 1 else "time per epoch (s), median of 5")
