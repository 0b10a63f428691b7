"""The specification of a small model: its limits hold when tested by other means."""

import csv
import dataclasses
import io

import numpy as np
import pytest

from aanntwin.config import NONIDEALITIES, Nonidealities
from aanntwin.data import load_split
from aanntwin.normalize import normalize
from aanntwin.scripts.bench import Bench
from aanntwin.scripts.quantize import Levels, quantize_kind
from aanntwin.scripts.spec_quantities import BITS, Requirement, Spec
from aanntwin.scripts.spec_search import Limit
from aanntwin.trainer import evaluate

TARGET = 0.05


@pytest.fixture(scope="module")
def found(trained):
    """Normalised weights, settings, and the rows of a specification for a loss of five points."""
    settings, weights = trained
    weights, _ = normalize(weights, settings, load_split(settings, train=True)[0], 1.0)
    bench, tuning = Bench(settings, train=False), Bench(settings, train=True, most=300)
    spec = Spec(weights, bench, tuning, Requirement(TARGET, 6, 0.02))
    return spec, weights, settings, {row.name: row for row in spec.rows()}


def accuracy_of(weights, settings, circuit, draws=1):
    data = load_split(settings, train=False)
    found = [evaluate(weights, settings, *data, nonidealities=circuit, draw=draw)[1] for draw in range(draws)]
    return float(np.mean(found))


@pytest.mark.parametrize("field", [name for name, kind in NONIDEALITIES.items() if kind.rising is not None])
def test_a_limit_costs_the_target_by_the_compiled_test_too(found, field):
    _, weights, settings, rows = found
    limit = rows[field].limit
    assert limit.value is not None
    draws = 20 if NONIDEALITIES[field].rising else 1
    clean = accuracy_of(weights, settings, Nonidealities())
    loss = clean - accuracy_of(weights, settings, Nonidealities(**{field: limit.value}), draws)
    assert loss == pytest.approx(limit.loss, abs=0.01)
    assert limit.loss <= TARGET
    harmful = 1.3 if NONIDEALITIES[field].rising else 1 / 1.3
    worse = clean - accuracy_of(weights, settings, Nonidealities(**{field: limit.value * harmful}), draws)
    assert worse > loss
    assert limit.low < limit.value < limit.high
    assert limit.loss_low < limit.loss < limit.loss_high


@pytest.mark.parametrize("kind", ["conv", "linear"])
def test_fewest_bits_meet_the_target_and_one_less_does_not(found, kind):
    _, weights, settings, rows = found
    row = rows[kind]
    bits = int(row.limit.value)
    again = quantize_kind(weights, kind, Levels(bits, row.full_scale))
    clean = accuracy_of(weights, settings, Nonidealities())
    loss = clean - accuracy_of(again, settings, Nonidealities())
    assert loss == pytest.approx(row.limit.loss, abs=1e-6)
    assert loss <= TARGET
    assert row.limit.low <= bits <= row.limit.high
    assert BITS[0] > bits >= 0


def test_all_limits_together_cost_more_than_each(found):
    spec, _, _, rows = found
    together = spec.together(list(rows.values()))
    assert together.loss > max(row.limit.loss for row in rows.values())
    assert together.loss_low < together.loss < together.loss_high


def test_limits_out_of_reach_stay_out_of_the_combination(found):
    spec, _, _, rows = found
    none = Limit(None, 0.0, 0.0, False, 1.0, 1.0, 1.0)
    at_end = Limit(8.0, 8.0, np.inf, True, 0.0, 0.0, 0.0)
    left = [
        dataclasses.replace(rows["input_noise"], limit=none),
        dataclasses.replace(rows["conv2d_out_noise"], limit=at_end),
    ]
    assert spec.together(left).loss == 0.0


def test_a_noisy_bench_is_its_own_baseline(trained):
    """With noise in every test, the unimpaired model has it too, in the same draws."""
    settings, weights = trained
    noisy = settings.replace(testing_nonidealities=Nonidealities(conv2d_out_noise=1.0))
    spec = Spec(
        weights, Bench(noisy, train=False), Bench(noisy, train=True, most=200), Requirement(TARGET, 3, 0.1), 1.0
    )
    assert not (spec.base[0] == spec.base[1]).all()
    assert spec.base.mean() < Spec(
        weights, Bench(settings, train=False), Bench(settings, train=True, most=200), Requirement(TARGET, 3, 0.1)
    ).base.mean()  # fmt: skip


def test_the_command_prints_a_table(here, weight_file, tmp_path):
    words = (
        weight_file,
        "--dataset_name",
        "digits",
        "--target_loss",
        5,
        "--draws",
        2,
        "--precision",
        0.05,
        "--tuning_images",
        200,
    )
    done = here("aanntwin.scripts.spec", *words, "--format", "csv", "--output_path", "spec.csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [row["imperfection"] for row in rows] == [
        "input noise", "convolution output noise", "ReLU output noise", "linear output noise",
        "convolution input clip", "linear input clip", "convolution weight bits", "linear weight bits",
    ]  # fmt: skip
    assert (tmp_path / "spec.csv").read_text() == done.out
    assert "all limits at once cost" in done.err
    for row in rows[:4]:
        assert float(row["dB of full scale"]) == pytest.approx(20 * np.log10(float(row["limit"])), abs=0.1)
    table = here("aanntwin.scripts.spec", *words, "--as_is", "--format", "markdown").out.splitlines()
    assert table[0].startswith("| imperfection ")
    assert set(table[1]) == set("|-: ")
    assert len(table) == 11


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--target_loss", 0), "not a number above 0"),
        (("--target_loss", 100), "allowed: below 100"),
        (("--draws", 0), "not a whole number of 1 or more"),
        (("none.safetensors",), "no such file"),
    ],
)
def test_refuses(here, words, message):
    done = here("aanntwin.scripts.spec", *words, code=2)
    assert message in done.err
    assert done.err.count("\n") == 1
