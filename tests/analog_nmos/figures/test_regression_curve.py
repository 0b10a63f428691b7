"""Outputs and targets of tasks whose answers are values."""

import numpy as np
import pytest

from analog_nmos.figures.regression_curve import regression_curve, some_epochs
from analog_nmos.figures.run_files import OtherKind, RunFiles
from analog_nmos.topology import dense

pytestmark = pytest.mark.usefixtures("foreign_settings")


@pytest.fixture
def make(make_run):
    """Write a run with inputs (samples, inputs), targets (samples, values), and in epoch n n/10 of the targets."""

    def write(x_V, target_V, on="training set", **more):
        names = [f"value {k}" for k in range(target_V.shape[1])]
        facts = {"readout": {"answer": "value", "values": names, **more}, "classes": [], "validated_on": on}
        run, _ = make_run(dense(x_V.shape[1], target_V.shape[1]), epochs=10, loss="mse", **facts)
        part = "val" if on == "validation split" else "test"
        np.save(run.folder / f"{part}_x.npy", x_V)
        np.save(run.folder / f"{part}_y.npy", target_V)
        for epoch in range(11):
            out_V = epoch / 10 * target_V
            if more.get("pairs"):
                out_V = np.concatenate([0.5 + out_V, np.full_like(out_V, 0.5)], axis=1)
            np.save(run.folder / f"0_vout_{part}_epoch{epoch}.npy", out_V)
        return RunFiles(run.folder)

    return write


X_V, TARGET_V = np.array([[0.3], [0.1], [0.2]]), np.array([[3.0, 5.0], [1.0, 6.0], [2.0, 4.0]])


def draw(run, caught, tmp_path):
    figures = caught("regression_curve")
    assert regression_curve(run, tmp_path) == [tmp_path / "regression_curve"]
    return figures["regression_curve"].axes


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("on", ["training set", "validation split"])
def test_outputs_over_the_only_input_with_targets_as_points(make, caught, tmp_path, on, pairs):
    first, second = draw(make(X_V, TARGET_V, on, pairs=pairs), caught, tmp_path)
    lines = {line.get_label(): line for line in first.lines}
    assert list(lines) == ["start", "epoch 1", "epoch 2", "epoch 5", "epoch 10"]
    np.testing.assert_array_equal(lines["epoch 10"].get_xdata(), [0.1, 0.2, 0.3])
    np.testing.assert_allclose(lines["epoch 10"].get_ydata(), [1.0, 2.0, 3.0], rtol=1e-12)
    np.testing.assert_allclose(second.lines[-1].get_ydata(), [6.0, 4.0, 5.0], rtol=1e-12)
    np.testing.assert_array_equal(first.collections[0].get_offsets(), np.stack([X_V[:, 0], TARGET_V[:, 0]], axis=1))
    assert (second.get_title(), second.get_xlabel()) == ("value 1", f"input of {on.split()[0]} samples (V)")


def test_outputs_over_targets_with_several_inputs(make, caught, tmp_path):
    (ax,) = draw(make(np.hstack([X_V, X_V]), TARGET_V[:, :1]), caught, tmp_path)
    points = {item.get_label(): item.get_offsets() for item in ax.collections}
    assert list(points) == ["start", "epoch 10"]
    np.testing.assert_allclose(points["epoch 10"], np.repeat(TARGET_V[:, :1], 2, axis=1), rtol=1e-12)
    np.testing.assert_array_equal(points["start"], np.stack([TARGET_V[:, 0], np.zeros(3)], axis=1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("target of training samples (V)", "output (V)")


def test_classes_have_no_curve(make_run, tmp_path):
    run, _ = make_run()
    with pytest.raises(OtherKind, match="answers are classes"):
        regression_curve(run, tmp_path)


def test_which_epochs_are_shown():
    assert some_epochs([0, 1, 2], 5) == [0, 1, 2]
    assert some_epochs(list(range(0, 25_001, 250)), 5) == [0, 250, 1250, 5500, 25_000]
    assert some_epochs([0, 7, 8, 9, 10], 2) == [0, 10]
    assert some_epochs(list(range(8)), 5) == [0, 1, 2, 4, 7]
