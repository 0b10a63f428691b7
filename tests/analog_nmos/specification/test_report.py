"""How limits are told, at the ends of what is tried."""

import numpy as np
import pytest

from analog_nmos.specification.limits import Found
from analog_nmos.specification.names import QUANTITIES
from analog_nmos.specification.report import cells, levels_csv, limits_csv, markdown, note
from analog_nmos.specification.search import Goal, Resamples, find_fewest, find_level

GOAL = Goal(np.ones(10), 0.1, True)


def row_of(name, bears, draws=4):
    """A row whose samples (10,) bear these levels in every draw."""
    quantity, values = QUANTITIES[name], np.asarray(bears, dtype=float)
    if quantity.rises:
        resamples = Resamples(draws, 10, 0, count=50)
        limit = find_level(
            lambda level: np.tile(values > level, (draws, 1)) * 1.0, quantity.levels, GOAL, resamples, 0.01
        )
    else:
        table = np.stack([(values <= bits)[None] * 1.0 for bits in quantity.levels])
        limit = find_fewest(quantity.levels, table, GOAL, Resamples(1, 10, 0, count=50))
    return Found(quantity, limit)


BORNE = [*[0.02] * 2, *[5.0] * 8]  # above 0.02 two of ten are wrong, and one may be


@pytest.mark.parametrize(
    ("name", "bears", "value", "interval"),
    [
        ("vto", BORNE, "0.0199", "0.0199 to 0.02"),
        ("vto", [5.0] * 10, "> 1", "> 1"),
        ("vto", [0.0] * 10, "< 0.000122", "< 0.000122"),
        ("gate-bits", [6] * 10, "6", "-"),
        ("gate-bits", [1] * 10, "<= 1", "-"),
        ("gate-bits", [17] * 10, "> 16", "-"),
    ],
)
def test_a_limit_or_the_end_that_was_reached(name, bears, value, interval):
    row = row_of(name, bears)
    assert cells(row, 1.0)[1:3] == [value, interval]
    assert "" not in [row.limit.cost, cells(row, 1.0)[5]]


def test_no_zero_has_a_sign():
    assert "-0.00" not in " ".join(cells(row_of("vto", [5.0] * 10), 1.0))


def test_numbers_of_a_file_are_as_they_are_and_what_is_missing_is_empty():
    rows = [row_of("read-noise", BORNE), row_of("vto", [5.0] * 10), row_of("gate-bits", [6] * 10)]
    header, noise, vto, bits = [line.split(",") for line in limits_csv(rows, 0.5).splitlines()]
    assert header[:2] == ["quantity", "limit"]
    assert float(noise[1]) == rows[0].limit.value
    assert float(noise[5]) == pytest.approx(rows[0].limit.value / 0.5)
    assert (vto[1], vto[6]) == ("", "never")
    assert (bits[1], bits[2], bits[3], bits[6]) == ("6.0", "", "", "found")
    lines = levels_csv(rows[2:], "accuracy").splitlines()
    assert lines[0] == "quantity,level,draw,accuracy"
    assert lines[1] == "gate-bits,16.0,0,1.0"
    assert len(lines) == 17


def test_failures_and_all_limits_at_once_are_in_the_note():
    rows = [row_of("vto", [5.0] * 10)]
    text = note(rows, 0.9, 10, "accuracy", row_of("kp", BORNE).limit, 3)
    assert "accuracy without them 90.00% on 10 test samples; all limits at once cost 0.00 points" in text
    assert "mismatch of vto alone: never left the target, up to 1 V (sigma)" in text
    assert "3 operating points failed" in text
    assert "failed" not in note(rows, 0.9, 10, "accuracy", None, 0)


def test_an_error_without_answers_is_no_number():
    goal = Goal(np.ones(10), 0.1, False)
    quantity = QUANTITIES["vto"]
    limit = find_level(
        lambda level: np.full((2, 10), 1e150), quantity.levels, goal, Resamples(2, 10, 0, count=50), 0.01
    )
    assert cells(Found(quantity, limit), 1.0)[5] == "no answer"


def test_markdown_has_a_rule_under_its_header():
    assert markdown(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
