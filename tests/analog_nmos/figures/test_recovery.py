"""The recovery figure: where a run was damaged, what it lost, and how it came back."""

import json

import numpy as np
import pytest

from analog_nmos.figures.curves import curves_of_run
from analog_nmos.figures.recovery import recovery
from analog_nmos.figures.run_files import LeftOut, OtherKind
from analog_nmos.tasks import TASKS
from analog_nmos.train import run as train
from common.cli import build

STRIKE = {
    "epoch": 2,
    "transistors": 27,
    "edges": {"open": [1, 2], "on": [5]},
    "before": {"val_acc": 0.9, "val_hinge": 0.1},
    "after": {"val_acc": 0.4, "val_hinge": 0.7},
}
LATER = {**STRIKE, "epoch": 3, "edges": {"frozen": [8]}, "after": {"val_acc": 0.3, "val_hinge": None}}


@pytest.fixture
def damaged(make_run):
    def make(*strikes, **options):
        run, _ = make_run(epochs=4, **options)
        (run.folder / "0_damage.json").write_text(json.dumps({"strikes": strikes}))
        return run

    return make


def test_the_curve_drops_at_the_damage(damaged, caught, tmp_path):
    figures, run = caught("recovery"), damaged(STRIKE)
    assert recovery(run, tmp_path, "pdf") == [tmp_path / "recovery"]
    fig = figures["recovery"]
    assert fig.get_suptitle() == "damage after epoch 2: of 27 transistors 2 open, 1 on"
    for ax, (name, label) in zip(fig.axes, (("val_acc", "accuracy"), ("val_hinge", "hinge")), strict=True):
        values = np.load(run.folder / f"0_{name}.npy")
        curve, moment, mark, before = ax.get_lines()
        assert curve.get_xdata().tolist() == [0, 1, 2, 2, 3, 4]
        assert curve.get_ydata().tolist() == [*values[:3], STRIKE["after"][name], *values[3:]]
        assert set(moment.get_xdata()) == {2}
        assert mark.get_xydata().tolist() == [[2, STRIKE["after"][name]]]
        assert set(before.get_ydata()) == {STRIKE["before"][name]}
        assert ax.get_ylabel() == label
        assert f"right after: {STRIKE['after'][name]:.4g}" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_several_times_and_a_loss_that_nothing_could_be_said_of(damaged, caught, tmp_path):
    figures, run = caught("recovery"), damaged(STRIKE, LATER)
    recovery(run, tmp_path)
    curve = figures["recovery"].axes[1].get_lines()[0]
    assert curve.get_xdata().tolist() == [0, 1, 2, 2, 3, 3, 4]
    assert np.flatnonzero(np.isnan(curve.get_ydata())).tolist() == [5]


def test_values_have_a_loss_alone(damaged, caught, tmp_path):
    only = {name: {"val_hinge": value["val_hinge"]} for name, value in STRIKE.items() if name in ("before", "after")}
    figures = caught("recovery")
    facts = {"readout": {"answer": "values"}, "objective": {"loss": "hinge", "label": "loss of mine (V)"}}
    recovery(damaged({**STRIKE, **only}, **facts), tmp_path)
    [ax] = figures["recovery"].axes
    assert ax.get_ylabel() == "loss of mine (V)"


def test_it_is_for_damaged_runs(make_run, damaged, tmp_path):
    with pytest.raises(OtherKind, match=r"nothing broke while it trained \(0_damage.json is missing\)"):
        recovery(make_run()[0], tmp_path)


@pytest.mark.parametrize("text", ["[]", "{", '{"strikes": []}', '{"strikes": [{"epoch": 1}]}', '{"strikes": 3}'])
def test_a_file_that_says_nothing_is_left_out(make_run, tmp_path, text):
    run = make_run()[0]
    (run.folder / "0_damage.json").write_text(text)
    with pytest.raises(LeftOut, match="damage") as caught:
        recovery(run, tmp_path)
    assert not isinstance(caught.value, OtherKind)


def test_a_run_draws_it_at_its_end_and_the_command_again(here, tmp_path):
    settings = {"epochs": 3, "damage_share": 0.1, "damage_epoch": 1, "quiet": True, "plots": False}
    config = build(TASKS.get("xor"), settings)
    folder = train(config, tmp_path / "run")
    curves_of_run(folder, config)
    assert (folder / "recovery.png").stat().st_size
    here("analog_nmos.figures_command", folder, "--only", "recovery", "--plot-format", "svg")
    assert "damage after epoch 1: of 32 transistors 3 open" in (folder / "figures" / "recovery.svg").read_text()
