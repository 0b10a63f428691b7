"""Baselines, intervals and the table of runs."""

import pytest

from analog_nmos.data.baselines import baselines, wilson_interval
from analog_nmos.digits.data import load_digits

SMALL = ("--train-limit", 60, "--test-limit", 30, "--epochs", 2, "--backend", "native", "--run-dir", "run", "--quiet")


def test_wilson_interval_by_hand():
    p, n, z = 0.9, 100, 1.959963984540054
    middle, reach = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    expected = [(middle + sign * reach) / (1 + z * z / n) for sign in (-1, 1)]
    assert wilson_interval(0.9, 100) == pytest.approx(expected, rel=1e-12)
    assert wilson_interval(1.0, 10)[1] == 1.0


def test_baselines_on_the_published_split():
    found = {one.name: one.test_acc for one in baselines(load_digits(1, 0.0, 1.0))}
    # Pinned to a sample, since tables quote them.
    assert found == {
        "logistic regression": pytest.approx(350 / 360, abs=0.5 / 360),
        "RBF support vector machine": pytest.approx(357 / 360, abs=0.5 / 360),
    }


def test_a_row_per_run(here, sparse_digits):
    here("analog_nmos.dense_trainer", 1, *SMALL, "--topology", sparse_digits)
    header, _, row = here("analog_nmos.compare", "run").out.splitlines()
    cells = dict(zip(header.split(" | "), row.split(" | "), strict=True))
    assert cells["trainer"] == "dense_trainer"
    assert cells["edges"] == "60"
    assert cells["accuracy (95 % interval)"].endswith(") test")
    assert cells["selected epoch"].endswith("on the test set")
    assert 0.5 < float(cells["logistic regression"]) <= 1


def test_what_is_no_finished_run_is_refused(here, tmp_path):
    assert "no run_meta.json" in here("analog_nmos.compare", tmp_path, code=2).err
    assert "RUN_DIR" in here("analog_nmos.compare", code=2).err
