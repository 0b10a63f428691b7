"""The command: its table, files and figure for small runs, and what it refuses."""

import csv
import io
import json
import re
import signal
import time

import numpy as np
import pandas as pd
import pytest
from waiting import finish, wait_until

from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.deployment import Point, draw_seed, load_trained, measure
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.regression import Regression
from analog_nmos.train import run

MODULE = "analog_nmos.spec"
PLAIN = {"plots": False, "quiet": True}
DRAWS = 5
QUICK = ("--draws", DRAWS, "--precision", 0.05)
NAMES = ["mismatch", "vto", "kp", "read-noise", "gate-noise", "gate-bits"]


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Runs of classes and of values."""
    folder = tmp_path_factory.mktemp("made")
    run(Iris(seed=1, epochs=20, **PLAIN), folder / "iris")
    run(Regression(epochs=300, **PLAIN), folder / "regression")
    return folder


def found(trained, name, level):
    """Means over draws, by the measuring core alone."""
    sigmas = {"mismatch": (level, level / 2), "vto": (level, 0.0), "kp": (0.0, level)}
    settings = {
        "read-noise": lambda: {"read_noise": repr(level)},
        "gate-noise": lambda: {"gate_noise": level},
        "gate-bits": lambda: {"gate_bits": int(level)},
    }

    def point(draw):
        if name not in sigmas:
            return Point(None, settings[name](), draw_seed(draw))
        vto, kp = sigmas[name]
        mismatch = Mismatch(vto_sigma=vto, kp_sigma=kp)
        return Point(draw_chip(trained.replica.start, trained.card, mismatch, draw), {}, draw_seed(draw))

    return np.mean([one.value for one in measure(trained, [point(draw) for draw in range(DRAWS)])])


def test_a_table_with_files_and_a_figure_whose_limits_hold_when_they_are_measured(command, made, tmp_path):
    done = command(MODULE, made / "iris", *QUICK, "--points", 5, "--out", "out")
    table = pd.read_csv(tmp_path / "out" / "spec.csv").set_index("quantity")
    assert table.index.tolist() == NAMES
    assert (table.state == "found").all()
    trained = load_trained(made / "iris")
    [ideal] = [one.value for one in measure(trained, [Point()])]
    for name, row in table.iterrows():
        at_limit, beyond = (found(trained, name, level) for level in (row.limit, _next(name, row.limit)))
        assert ideal - at_limit <= 0.05 + 1e-9
        assert ideal - at_limit == pytest.approx(row.cost, abs=1e-9)
        assert ideal - beyond > 0.04
        if name != "gate-bits":
            assert row.low <= row.limit <= row.high
            assert row.cost_low <= row.cost <= row.cost_high
        assert f"{row.limit:.3g}" in done.out
    levels = pd.read_csv(tmp_path / "out" / "levels.csv")
    assert list(levels) == ["quantity", "level", "draw", "accuracy"]
    own = levels[(levels.quantity == "vto") & (levels.level == table.limit["vto"])]
    assert own.draw.tolist() == list(range(DRAWS))
    assert own.accuracy.mean() == pytest.approx(found(trained, "vto", table.limit["vto"]))
    facts = json.loads((tmp_path / "out" / "spec.json").read_text())
    assert facts["limits"]["kp"]["limit"] == table.limit["kp"]
    assert (facts["epoch"], facts["transistors"], facts["test_samples"]) == (trained.epoch, 30, 30)
    assert facts["options"]["points"] == 5
    assert f"accuracy without them {ideal:.2%} on 30 test samples; all limits at once cost " in done.out
    assert "written to out: spec.csv, levels.csv, spec.png, spec.json" in done.out
    assert (tmp_path / "out" / "spec.png").stat().st_size > 20_000
    assert done.err == ""


def _next(name, limit):
    return limit - 1 if name == "gate-bits" else 1.06 * limit


def test_read_noise_is_also_a_share_of_full_scale(here, tmp_path):
    run(Iris(seed=1, epochs=2, input_vmax=0.5, **PLAIN), tmp_path / "low")
    words = (*QUICK, "--only", "read-noise", "--points", 10, "--format", "csv")
    [line] = csv.DictReader(io.StringIO(here(MODULE, "low", *words).out))
    assert float(line["% of full scale"]) == pytest.approx(100 * float(line["limit"]) / 0.5, rel=0.01)
    row = pd.read_csv(tmp_path / "low" / "spec" / "spec.csv").iloc[0]
    assert row.share_of_full_scale == pytest.approx(row.limit / 0.5)


def test_where_answers_are_values_the_error_may_be_larger(here, made, tmp_path):
    words = ("--worse", 20, "--only", "vto,gate-bits", "--format", "markdown", "--out", "out")
    done = here(MODULE, made / "regression", *QUICK, *words)
    first, rule, *lines = done.out.splitlines()
    assert first.startswith("| imperfection | limit | 95% interval | unit |")
    assert "error there (% larger)" in first
    assert set(rule) == set("| -")
    assert len(lines) == 2
    trained = load_trained(made / "regression")
    [ideal] = [one.value for one in measure(trained, [Point()])]
    row = pd.read_csv(tmp_path / "out" / "spec.csv").set_index("quantity").loc["vto"]
    assert found(trained, "vto", row.limit) / ideal - 1 == pytest.approx(row.cost, rel=1e-6)
    assert row.cost <= 0.2
    assert found(trained, "vto", 1.06 * row.limit) / ideal > 1.2
    assert "mse without them" in done.err
    assert "percent of the error" in done.err


def test_beyond_what_is_tried_it_says_so(here, made, tmp_path):
    done = here(MODULE, made / "iris", *QUICK, "--points", 99, "--only", "kp,gate-bits", "--out", "out")
    assert re.search(r"^mismatch of kp alone +> 1 +> 1 ", done.out, re.MULTILINE)
    assert "mismatch of kp alone: never left the target, up to 1 of kp (sigma)" in done.out
    assert re.search(r"^gate bits +<= 1 ", done.out, re.MULTILINE)
    assert "gate bits: never left the target, down to 1 bit\n" in done.out
    table = pd.read_csv(tmp_path / "out" / "spec.csv").set_index("quantity")
    assert table.state.tolist() == ["never", "never"]
    assert np.isnan(table.limit).all()
    words = ("--worse", 1e-7, "--only", "gate-bits", "--out", "strict")
    done = here(MODULE, made / "regression", *QUICK, *words)
    assert re.search(r"^gate bits +> 16 ", done.out, re.MULTILINE)
    assert "gate bits: beyond the target from 16 bits on" in done.out
    assert pd.read_csv(tmp_path / "strict" / "spec.csv").state.tolist() == ["always"]


def test_after_training_on_the_chip(here, made, tmp_path):
    words = ("--points", 10, "--only", "mismatch", "--repair-epochs", 2, "--draws", 3, "--precision", 0.3)
    done = here(MODULE, made / "iris", *words, "--out", "out")
    table = pd.read_csv(tmp_path / "out" / "spec.csv").set_index("quantity")
    assert table.index.tolist() == ["mismatch", "repaired-mismatch"]
    assert table.limit["repaired-mismatch"] > table.limit["mismatch"]
    assert "that after 2 epochs of training on the chip" in done.out


def test_results_lie_in_the_folder_of_the_run_and_are_not_replaced_unasked(here, made):
    words = (*QUICK, "--only", "gate-bits", "--quiet")
    out = made / "iris" / "spec"
    assert here(MODULE, made / "iris", *words).out == ""
    assert (out / "spec.png").exists()
    assert "holds results already" in here(MODULE, made / "iris", *words, code=2).err
    here(MODULE, made / "iris", *words, "--force", "--plot-format", "svg")
    assert sorted(path.name for path in out.iterdir()) == ["levels.csv", "spec.csv", "spec.json", "spec.svg"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--points", 0), "argument --points: 0 is out of range; it must be above 0"),
        (("--points", 100), "it must be at most 99"),
        (("--worse", 10), "argument --worse: this run is tested by its accuracy; give --points"),
        (("--only", "bits"), "'bits' is not one of mismatch, vto, kp, read-noise, gate-noise, gate-bits"),
        (("--draws", 0), "argument --draws: 0 is out of range"),
        (("--draws", 1001), "it must be at most 1000"),
        (("--precision", 0), "argument --precision: 0 is out of range"),
        (("--repair-gamma", 1), "--repair-gamma needs --repair-epochs"),
        (("--repair-epochs", 1, "--only", "vto"), "--repair-epochs needs mismatch in --only"),
        (("--gate-range", "1:2", "--only", "vto"), "--gate-range needs gate-bits in --only"),
        (("--gate-range", "2:1"), "argument --gate-range: '2:1' must rise"),
        (("--epoch", "best"), "argument --epoch: 'best' is not selected, last, or a number"),
        (("--backend", "hspice"), "'hspice' is not one of"),
        (("--format", "pdf"), "'pdf' is not one of"),
    ],
)
def test_wrong_options_end_in_one_line_and_write_nothing(here, made, tmp_path, words, error):
    refused = here(MODULE, made / "iris", "--out", tmp_path / "out", *words, code=2)
    assert error in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_no_finished_run_is_refused(here, made, tmp_path):
    assert "no run_meta.json" in here(MODULE, tmp_path, code=2).err
    assert "RUN" in here(MODULE, code=2).err
    (tmp_path / "file").touch()
    refused = here(MODULE, made / "iris", "--out", tmp_path / "file" / "out", code=2)
    assert len(refused.err.splitlines()) == 1


def test_an_interrupt_ends_in_one_line_and_leaves_no_results(start, made, tmp_path):
    process = start(MODULE, made / "iris", "--draws", 1000, "--out", "out")
    wait_until((tmp_path / "out").exists, process)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    out, err = finish(process, 130)
    assert out == ""
    assert err == "nmos-spec: interrupted\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_help_names_units_and_defaults(here):
    text = " ".join(here(MODULE, "--help").out.split())
    assert "usage: nmos-spec RUN [options]" in text
    assert "allowed loss of accuracy in percentage points (default: 1)" in text
    assert "--temp X temperature of the chips (default: as the run was tested) [C]" in text
