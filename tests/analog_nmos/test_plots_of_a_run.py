"""A training ends well whatever happens to its plots."""

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

    monkeypatch.setattr("analog_nmos.training.summary.learning_curves", fail)
    done = here(TRAINER, *OPTIONS, "--topology", sparse_digits)
    line = "warning: figures could not be drawn (out of ink); draw them later: nmos-figures run"
    assert line in done.out.splitlines()
    assert load_run(tmp_path / "run").status == "done"
    assert line in (tmp_path / "run" / "train_log.txt").read_text().splitlines()
    assert not (tmp_path / "run" / "timing.png").exists()
    here("analog_nmos.figures_command", "run", "--only", "timing")
    assert (tmp_path / "run" / "figures" / "timing.png").exists()
