"""Each sample's answer under an imperfection: those of the measuring core, with the same draws at every level."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.deployment import Measured, Point, draw_seed, load_trained, measure
from analog_nmos.deployment.measure import score
from analog_nmos.deployment.repair import repair
from analog_nmos.specification.bench import NO_ANSWER, Bench
from analog_nmos.specification.names import REPAIRED
from analog_nmos.specification.options import SpecOptions
from common.errors import InputError
from common.runs import load_run

DRAWS = 3


def bench_of(folder, measure=measure, **options):
    return Bench(load_trained(folder), SpecOptions(draws=DRAWS, **options), measure)


def drawn(trained, seed, vto=0.0, kp=0.0):
    return draw_chip(trained.replica.start, trained.card, Mismatch(vto_sigma=vto, kp_sigma=kp), seed)


@pytest.mark.parametrize("name", ["iris", "on_chip", "regression"])
def test_without_imperfections_it_is_the_run(runs, name):
    bench = bench_of(runs[name])
    result = load_run(runs[name]).result
    known = result["selected_test_acc"] if bench.is_accuracy else result["selected_val_mse"]
    assert bench.base.mean() == pytest.approx(known, rel=1e-6)
    assert bench.failed == 0


@pytest.mark.parametrize("run", ["iris", "regression"])
@pytest.mark.parametrize(
    ("name", "level", "sigmas"),
    [("mismatch", 0.4, (0.4, 0.2)), ("vto", 0.4, (0.4, 0.0)), ("kp", 0.3, (0.0, 0.3))],
)
def test_mismatch_is_that_of_drawn_chips(runs, run, name, level, sigmas):
    bench = bench_of(runs[run], seed=5)
    found = bench.answers(name, level)
    points = [Point(drawn(bench.trained, 5 + draw, *sigmas)) for draw in range(DRAWS)]
    expected = [one.value for one in measure(bench.trained, points)]
    np.testing.assert_allclose(found.mean(axis=1), expected, rtol=1e-12)
    assert len(set(expected)) > 1


@pytest.mark.parametrize("run", ["iris", "regression"])
@pytest.mark.parametrize(
    ("name", "level", "settings"),
    [
        ("read-noise", 0.1, {"read_noise": "0.1"}),
        ("gate-noise", 0.7, {"gate_noise": 0.7}),
        ("gate-bits", 2, {"gate_bits": 2}),
    ],
)
def test_noise_and_bits_are_options_of_the_trainer(runs, run, name, level, settings):
    bench = bench_of(runs[run])
    found = bench.answers(name, level)
    points = [Point(None, settings, draw_seed(draw)) for draw in range(DRAWS)]
    expected = [one.value for one in measure(bench.trained, points)]
    np.testing.assert_allclose(found.mean(axis=1), expected, rtol=1e-12)
    assert not np.array_equal(found[0], bench.base)


def test_bits_cover_a_range_that_is_given_and_nothing_else_does(runs):
    bench = bench_of(runs["iris"], gate_range="1:1.5")
    plain = bench_of(runs["iris"])
    [clipped] = measure(bench.trained, [Point(None, {"gate_bits": 16, "gate_range": "1:1.5"})])
    assert bench.answers("gate-bits", 16, draws=1).mean() == clipped.value
    np.testing.assert_array_equal(bench.base, plain.base)
    np.testing.assert_array_equal(bench.answers("vto", 0.3), plain.answers("vto", 0.3))


def test_every_level_has_the_same_draws(runs):
    points = []

    def recording(trained, asked):
        points.append(asked)
        return measure(trained, asked)

    bench = bench_of(runs["iris"], recording)
    for name, level in (("mismatch", 0.01), ("mismatch", 0.03), ("read-noise", 0.01), ("read-noise", 0.03)):
        bench.answers(name, level)
    _, small, large, *noisy = points
    for one, other in zip(small, large, strict=True):
        np.testing.assert_allclose(3 * one.chip.vto_free_V, other.chip.vto_free_V, rtol=1e-12)
        np.testing.assert_allclose(3 * (one.chip.kp_free - 1), other.chip.kp_free - 1, rtol=1e-9)
    assert not np.array_equal(small[0].chip.vto_free_V, small[1].chip.vto_free_V)
    assert [one.seed for one in noisy[0]] == [one.seed for one in noisy[1]] == [555_000, 562_919, 570_838]


def test_where_the_run_had_a_chip_deviations_come_on_top_of_its_own(runs):
    points = []

    def recording(trained, asked):
        points.extend(asked)
        return measure(trained, asked)

    bench = bench_of(runs["on_chip"], recording)
    bench.answers("mismatch", 0.1)
    own, more = bench.trained.chip, drawn(bench.trained, 0, 0.1, 0.05)
    np.testing.assert_array_equal(points[0].chip.vto_free_V, own.vto_free_V)
    np.testing.assert_array_equal(points[1].chip.vto_free_V, own.vto_free_V + more.vto_free_V)
    np.testing.assert_array_equal(points[1].chip.kp_clamp, own.kp_clamp * more.kp_clamp)
    bench.answers("read-noise", 0.1)
    np.testing.assert_array_equal(points[-1].chip.vto_free_V, own.vto_free_V)


def test_several_at_once_are_one_chip_with_its_noise(runs):
    bench = bench_of(runs["iris"])
    found = bench.together({"mismatch": 0.2, "read-noise": 0.05, "gate-noise": 0.1, "gate-bits": 5})
    settings = {"read_noise": "0.05", "gate_noise": 0.1, "gate_bits": 5}
    points = [Point(drawn(bench.trained, draw, 0.2, 0.1), settings, draw_seed(draw)) for draw in range(DRAWS)]
    assert found.mean(axis=1).tolist() == pytest.approx([one.value for one in measure(bench.trained, points)])


def test_noise_that_the_run_was_trained_with_is_off(runs):
    trained = load_trained(runs["iris"])
    noisy = dataclasses.replace(
        trained, config=dataclasses.replace(trained.config, read_noise="0.5", gate_noise=1.0, gate_bits=1)
    )
    np.testing.assert_array_equal(Bench(noisy, SpecOptions()).base, Bench(trained, SpecOptions()).base)


def test_a_temperature_holds_for_all(runs):
    warm = bench_of(runs["regression"], temp=120.0)
    [expected] = measure(warm.trained, [Point(None, {"temp": 120.0})])
    assert warm.base.mean() == pytest.approx(expected.value)
    assert warm.base.mean() != bench_of(runs["regression"]).base.mean()


@pytest.mark.parametrize(("name", "mark"), [("iris", 0.0), ("regression", NO_ANSWER)])
def test_an_operating_point_that_failed_is_no_answer_and_counts(runs, name, mark):
    def failing(trained, points):
        found = measure(trained, points)
        for point, one in zip(points, found, strict=True):
            if point.settings["read_noise"] != "0":
                one.out_V[1] = np.nan
        return [Measured(one.value, one.out_V, int(np.isnan(one.out_V).any(axis=1).sum())) for one in found]

    bench = bench_of(runs[name], failing)
    assert bench.answers("read-noise", 1e-9)[:, 1].tolist() == [mark] * DRAWS
    assert bench.failed == DRAWS


def test_repaired_gates_are_those_of_training_on_each_chip(runs):
    bench = bench_of(runs["iris"], repair_epochs=2, repair_gamma=1.0)
    found = bench.answers(REPAIRED, 0.6)
    chips = [drawn(bench.trained, draw, 0.6, 0.3) for draw in range(DRAWS)]
    learned = repair(bench.trained, chips, 2, {"gamma": 1.0})
    points = [Point(chip, {}, draw_seed(0), gates[-1]) for chip, gates in zip(chips, learned, strict=True)]
    assert found.mean(axis=1).tolist() == [one.value for one in measure(bench.trained, points)]
    assert found.mean() > bench.answers("mismatch", 0.6).mean()


def test_repaired_gates_are_scored_by_what_was_measured_with_them(runs):
    bench = bench_of(runs["prototype"], repair_epochs=2)
    found = bench.answers(REPAIRED, 0.8)
    chips = [drawn(bench.trained, draw, 0.8, 0.4) for draw in range(DRAWS)]
    learned = [epochs[-1] for epochs in repair(bench.trained, chips, 2)]
    points = [Point(chip, {}, draw_seed(0), gates) for chip, gates in zip(chips, learned, strict=True)]
    expected = measure(bench.trained, points)
    assert found.mean(axis=1).tolist() == [one.value for one in expected]
    stale = [score(bench.trained, one.out_V) for one in expected]  # by the prototypes of before
    assert found.mean(axis=1).tolist() != stale


def test_training_on_the_chip_is_without_noise_at_the_temperature_and_goes_on_after_failures(runs, monkeypatch):
    asked = []

    def recording(trained, chips, epochs, settings):
        asked.append((epochs, settings))
        return [[trained.gates]] * len(chips)

    monkeypatch.setattr("analog_nmos.specification.bench.repair", recording)
    bench_of(runs["iris"], repair_epochs=7, temp=50.0).answers(REPAIRED, 0.1)
    off = {"read_noise": "0", "gate_bits": 0, "gate_noise": 0.0}
    assert asked == [(7, {**off, "temp": 50.0, "test_temp": None, "max_failures": 1.0})]


def test_an_error_of_0_has_no_share(runs):
    def exact(trained, points):
        return [Measured(0.0, trained.replica.data.test.y.copy(), 0) for _ in points]

    with pytest.raises(InputError, match="its error is 0 without imperfections"):
        bench_of(runs["regression"], exact)
