"""Curves and half-accuracy points against known answers; corruption-plot; the notebook."""

import math
from pathlib import Path

import numpy as np
import pytest

import corruption_study
from corruption_study import tables
from corruption_study.curves import Curve, curves_of, half_of, half_point
from corruption_study.figure import draw

pytestmark = pytest.mark.usefixtures("foreign_settings")

ROOT = Path(__file__).parents[2]
NOTEBOOK = Path(corruption_study.__file__).with_name("analysis.ipynb")
PS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])


def rows(repeats=20, spread=0.02, activations=("relu", "tanh")):
    """Accuracies 1 - p with normal noise: half is at 0.5."""
    rng = np.random.default_rng(1)
    return [
        {"model_type": "mlp", "activation": a, "p": p, "test_accuracy": 1 - p + spread * rng.standard_normal()}
        for a in activations
        for p in PS
        for _ in range(repeats)
    ]


def test_half_points_of_known_curves():
    assert half_point(PS, 1 - PS) == pytest.approx(0.5)
    assert half_point(PS, np.array([0.9, 0.9, 0.9, 0.45, 0.2, 0.1])) == pytest.approx(0.6)
    assert half_point(PS, np.array([0.8, 0.8, 0.6, 0.2, 0.6, 0.1])) == pytest.approx(0.5)  # the first time
    assert half_point(PS, np.full(6, 0.9)) == math.inf


def test_the_bootstrap_interval_has_the_width_of_the_noise():
    curve = curves_of(rows())[0]
    half = half_of(curve)
    # Near 0.5 the curve falls by 1 per unit of p, so p varies as the accuracy between two means of 20 repeats, less a
    # quarter of what the first accuracy, whose half is the level, varies.
    expected = 1.96 * 0.02 / math.sqrt(20) * math.sqrt(0.5**2 + 0.5**2 + 0.5**2)
    assert half.low < 0.5 < half.high
    assert (half.high - half.low) / 2 == pytest.approx(expected, rel=0.3)
    assert half_of(curve) == half  # seeded


def test_a_curve_that_stays_above_says_so():
    flat = Curve("relu", "mlp", PS, tuple(np.full(3, 0.9) for _ in PS))
    half = half_of(flat)
    assert (half.p, half.low, half.high) == (math.inf, math.inf, math.inf)
    assert "stays above 0.45" in texts(draw([flat], [half]))[0]


def texts(fig):
    return [text.get_text() for ax in fig.axes for text in ax.texts]


def test_a_panel_shows_means_bars_and_the_half_point():
    curves = curves_of(rows(activations=("relu", "gelu", "leaky_relu")))
    fig = draw(curves, [half_of(curve) for curve in curves])
    assert [ax.get_title() for ax in fig.axes] == ["MLP, relu", "MLP, gelu", "MLP, leaky relu"]
    line = fig.axes[0].containers[0][0]
    np.testing.assert_allclose(line.get_ydata(), curves[0].mean)
    assert all("half at p = 0.5" in text for text in texts(fig))


def write(folder, entries):
    folder.mkdir(exist_ok=True)
    names = ["model_type", "activation", "p", "test_accuracy"]
    (folder / tables.PER_RUN).write_text(tables.csv_text(names, entries))


def test_the_command_draws_and_prints(tmp_path, monkeypatch, capsys):
    from corruption_study.plot import main

    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine", rows())
    with open(tmp_path / "mine" / tables.PER_RUN, "a") as stream:
        stream.write("mlp,relu,0.0,0.")  # a campaign at work: the torn last line is left out
    assert main(["mine", "--run-dir", "figures", "--format", "svg"]) == 0
    assert (tmp_path / "figures/accuracy.svg").stat().st_size > 5000
    assert (tmp_path / "figures/half_accuracy.csv").read_text().count("\n") == 3
    out = capsys.readouterr().out
    assert "mlp   relu" in out
    assert "0.49" in out or "0.50" in out
    for words, message in ((["nowhere"], "is not there"), ([str(tmp_path)], "no such file")):
        assert main(words) == 2
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["mine", "--format", "bmp"])
    assert stop.value.code == 2


@pytest.mark.slow
@pytest.mark.parametrize("given", [True, False])
def test_the_notebook_runs_without_errors_and_draws(notebook, tmp_path, monkeypatch, given):
    monkeypatch.delenv("CORRUPTION_RESULTS", raising=False)
    if given:
        write(tmp_path / "mine", rows())
        (tmp_path / "mine" / tables.SUMMARY).write_text(
            tables.csv_text((*tables.KEY, *tables.SPREAD), tables.summary(rows()))
        )
        monkeypatch.setenv("CORRUPTION_RESULTS", "mine")
    shown = notebook(NOTEBOOK)
    assert shown.images == 2
    assert ("240 runs in mine" if given else "24 runs in results/corruption_study/digits") in shown.text
