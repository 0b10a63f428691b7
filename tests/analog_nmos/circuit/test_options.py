"""Circuit options as a user gives them."""

import pytest

from analog_nmos.circuit import CircuitOptions
from common.cli import build
from common.errors import InputError


@pytest.mark.parametrize("ohm", [0.0, 1e-3, 10.0, 1e18])
def test_a_body_resistor_is_none_or_one_that_ngspice_can_solve(ohm):
    assert build(CircuitOptions, {"body_res": ohm}).body_res == ohm


@pytest.mark.parametrize(
    ("ohm", "message"),
    [
        (1e-4, r"^--body-res 0\.0001 is out of range; it must be 0 \(tied directly\) or at least 0\.001 ohm$"),
        (-1.0, r"^argument --body-res: -1 is out of range; it must be at least 0$"),
        (1e19, r"^argument --body-res: 1e\+19 is out of range; it must be at most 1e\+18$"),
    ],
)
def test_other_body_resistors_are_refused_in_one_line(ohm, message):
    with pytest.raises(InputError, match=message):
        build(CircuitOptions, {"body_res": ohm})


@pytest.mark.parametrize(("mode", "ohm"), [("clamp", 2.0), ("held", 1e-6), ("current", 1e9)])
def test_what_an_output_hangs_on_in_a_clamped_phase(mode, ohm):
    assert build(CircuitOptions, {"nudge_mode": mode, "rs_clamp": 2.0}).clamp_ohm == ohm


def test_another_way_to_nudge_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"^argument --nudge-mode: .*clamp.*held.*current"):
        build(CircuitOptions, {"nudge_mode": "push"})
