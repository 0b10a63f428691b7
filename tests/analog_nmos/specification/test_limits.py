"""Limits of a run whose answers are known at every level of every imperfection."""

import numpy as np
import pytest

from analog_nmos.deployment import Measured, load_trained
from analog_nmos.specification.bench import Bench
from analog_nmos.specification.limits import EXPECTED, Spec
from analog_nmos.specification.names import KP_PER_V
from analog_nmos.specification.options import SpecOptions
from common.errors import InputError

# At these levels one test sample more is wrong for every tenth of the level: 1 at 1.1 times, 2 at 1.2 times ...
BORNE = {"mismatch": 0.03, "vto": 0.05, "kp": 0.2, "read-noise": 0.004, "gate-noise": 0.11, "gate-bits": 6}


def known(trained, points):
    """Outputs as if all answers were right up to the levels of BORNE."""
    return [_known(trained, point) for point in points]


def _known(trained, point):
    y = trained.replica.data.test.y
    meta = {"vto_sigma_V": 0.0, "kp_sigma": 0.0} | (point.chip.meta if point.chip else {})
    vto, kp = meta["vto_sigma_V"], meta["kp_sigma"]
    levels = {
        "read-noise": float(point.settings["read_noise"]),
        "gate-noise": point.settings["gate_noise"],
        "mismatch" if vto and kp else "vto" if vto else "kp": vto or kp,
    }
    if vto and kp:
        assert kp == pytest.approx(KP_PER_V * vto)
    wrong = sum(int(max(0.0, 10 * (level / BORNE[name] - 1))) for name, level in levels.items())
    wrong += 5 * (0 < point.settings["gate_bits"] < BORNE["gate-bits"])
    out_V = np.eye(3)[np.where(np.arange(len(y)) < wrong, (y + 1) % 3, y)]
    return Measured(float("nan"), out_V, 0)


def spec_of(folder, measure=known, **options):
    chosen = SpecOptions(**{"draws": 2, "points": 7.0, **options})  # of 30 samples two may be wrong, three not
    return Spec(Bench(load_trained(folder), chosen, measure), chosen)


def rows_of(spec):
    done = []
    rows = list(spec.rows(lambda text: None, done.append))
    assert sum(done) == EXPECTED * len(spec.quantities)
    return {row.quantity.name: row.limit for row in rows}, rows


def test_every_limit_is_found(runs):
    limits, _ = rows_of(spec_of(runs["iris"]))
    assert list(limits) == list(BORNE)
    for name, limit in limits.items():
        assert limit.found
        if name == "gate-bits":
            assert (limit.value, limit.cost) == (6, 0.0)
        else:
            assert 1.3 * BORNE[name] / 1.011 <= limit.value <= 1.3 * BORNE[name] * (1 + 1e-9)
            assert limit.cost == pytest.approx(2 / 30)


def test_the_target_and_the_precision_are_those_of_the_options(runs):
    limits, _ = rows_of(spec_of(runs["iris"], points=17.0, precision=1e-4, only=("vto", "gate-bits")))
    assert list(limits) == ["vto", "gate-bits"]
    assert limits["vto"].value == pytest.approx(1.6 * BORNE["vto"], rel=2e-4)
    assert limits["gate-bits"].value == 1  # five of thirty may be wrong: 16.7 points
    assert limits["gate-bits"].open


def test_all_limits_at_once_are_without_those_that_the_first_holds(runs):
    asked = []

    def recording(trained, points):
        asked.append(points)
        return known(trained, points)

    spec = spec_of(runs["iris"], recording)
    limits, rows = rows_of(spec)
    together = spec.together(rows)
    assert together.cost == pytest.approx(6 / 30)  # two each of mismatch, read noise and gate noise
    settings = asked[-1][0].settings
    assert settings["gate_bits"] == 6
    assert float(settings["read_noise"]) == limits["read-noise"].value
    assert asked[-1][0].chip.meta["vto_sigma_V"] == limits["mismatch"].value
    assert spec.together([row for row in rows if row.quantity.name == "kp"]) is None


def test_what_never_costs_too_much_is_open_and_stays_out_of_the_combination(runs):
    def only_noise(trained, points):
        found = known(trained, points)
        y = trained.replica.data.test.y
        right = Measured(1.0, np.eye(3)[y], 0)
        return [right if point.chip else one for point, one in zip(points, found, strict=True)]

    spec = spec_of(runs["iris"], only_noise, only=("mismatch", "read-noise"))
    limits, rows = rows_of(spec)
    assert limits["mismatch"].open
    assert limits["mismatch"].value == 1.0
    assert limits["read-noise"].found
    assert spec.together(rows) is None


def test_training_on_the_chip_is_looked_at_from_half_of_the_limit_on(runs):
    spec = spec_of(runs["iris"], only=("mismatch",), repair_epochs=1)
    assert [one.title for one in spec.quantities][1] == "that after 1 epoch of training on the chip"
    limits, rows = rows_of(spec)
    assert spec.together(rows) is None  # two names of one imperfection
    assert limits["repaired-mismatch"].value == limits["mismatch"].value  # the fake bench knows no training
    assert min(limits["repaired-mismatch"].levels) > limits["mismatch"].value / 2


def test_a_goal_of_another_kind_of_answers_is_refused(runs):
    with pytest.raises(InputError, match="tested by its accuracy; give --points"):
        spec_of(runs["iris"], worse=5.0)
    chosen = SpecOptions(points=2.0)
    with pytest.raises(InputError, match="tested by its mse; give --worse"):
        Spec(Bench(load_trained(runs["regression"]), chosen), chosen)
