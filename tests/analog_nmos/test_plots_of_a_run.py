"""A training ends well whatever happens to its plots."""

import signal

import numpy as np
import pytest

from common.runs import load_run

TRAINER = "analog_nmos.dense_trainer"
OPTIONS = (1, "--backend", "native", "--epochs", 1, "--train-limit", 20, "--test-limit", 20, "--run-dir", "run")
PLOTS = ("learning_curves_acc.png", "learning_curves_hinge.png", "timing.png", "hinge_active.png")


def test_settings_for_other_work_do_not_reach_the_plots(command, sparse_digits, tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.family: No Such Font\n")
    done = command(TRAINER, *OPTIONS, "--topology", sparse_digits, MPLBACKEND="qt4agg")
    assert "could not be drawn" not in done.err + done.out
    assert all((tmp_path / "run" / name).stat().st_size for name in PLOTS)


def test_plots_that_fail_are_a_warning_and_can_be_drawn_later(here, sparse_digits, tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of\nink")

    monkeypatch.setattr("analog_nmos.figures.curves.learning_curves", fail)
    done = here(TRAINER, *OPTIONS, "--topology", sparse_digits)
    line = "warning: figures could not be drawn (out of ink); draw them later: nmos-figures run"
    assert line in done.out.splitlines()
    assert load_run(tmp_path / "run").status == "done"
    assert line in (tmp_path / "run" / "train_log.txt").read_text().splitlines()
    assert not (tmp_path / "run" / "timing.png").exists()
    here("analog_nmos.figures_command", "run", "--only", "timing")
    assert (tmp_path / "run" / "figures" / "timing.png").exists()


def test_plots_are_drawn_when_the_run_is_done(here, sparse_digits, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("analog_nmos.figures.curves.timing", lambda folder, _: seen.append(load_run(folder)))
    here(TRAINER, *OPTIONS, "--topology", sparse_digits)
    [record] = seen
    assert (record.status, record.meta["ended"] is not None) == ("done", True)
    assert np.load(tmp_path / "run" / "0_val_acc.npy").size == 2


def test_no_plots_are_drawn_if_none_are_wanted(here, sparse_digits, tmp_path):
    done = here(TRAINER, *OPTIONS, "--topology", sparse_digits, "--no-plots")
    assert "plots" not in done.out
    assert not list((tmp_path / "run").glob("*.png"))
    # The option is local: it may differ in a run that goes on.
    here(TRAINER, "--resume", "run", "--epochs", 2, "--plots")
    assert all((tmp_path / "run" / name).stat().st_size for name in PLOTS)


def test_ctrl_c_while_plots_are_drawn_leaves_a_run_that_is_done(here, sparse_digits, tmp_path, monkeypatch):
    monkeypatch.setattr("analog_nmos.figures.curves.timing", lambda *_: signal.raise_signal(signal.SIGINT))
    stopped = here(TRAINER, *OPTIONS, "--topology", sparse_digits, code=130)
    assert stopped.err == (
        "nmos-dense: interrupted while plots were drawn; the run is done, draw them later: nmos-figures run\n"
    )
    assert load_run(tmp_path / "run").status == "done"


@pytest.mark.parametrize("wanted", [True, False])
def test_a_sweep_draws_the_plots_of_runs_that_are_done(here, sparse_digits, tmp_path, wanted):
    words = ("--gamma", 0.3, "--delta", 0.1, "--margin", 0.02, "--body-tie", "ground", "--vg", "fix4", "--epochs", 1)
    words += ("--seed", "0,1", "--train-limit", 20, "--test-limit", 20, "--topology", sparse_digits, "--workers", 1)
    here("analog_nmos.dense_sweep", *words, "--sweep-dir", "sweep", "--quiet", *([] if wanted else ["--no-plots"]))
    runs = [path.parent for path in (tmp_path / "sweep").rglob("DONE")]
    assert len(runs) == 2
    for run in runs:
        assert [(run / name).exists() for name in PLOTS] == [wanted] * len(PLOTS)
        assert not wanted or (run / "DONE").stat().st_mtime_ns < (run / PLOTS[0]).stat().st_mtime_ns
