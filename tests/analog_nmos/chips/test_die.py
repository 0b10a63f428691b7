"""Where transistors lie: a near-square grid in the order of edges, and positions along a direction."""

import math

import numpy as np
import pytest

from analog_nmos.chips.die import Die


@pytest.mark.parametrize(
    ("n_edges", "columns", "rows"),
    [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (7, 3, 3), (640, 26, 25), (10001, 101, 100)],
)
def test_the_grid_is_as_square_as_it_can_be(n_edges, columns, rows):
    die = Die(n_edges)
    assert (die.columns, die.rows) == (columns, rows)
    assert columns * (rows - 1) < n_edges <= columns * rows


def test_edges_fill_it_row_by_row():
    np.testing.assert_array_equal(
        Die(7).image(np.arange(7.0)), [[0, 1, 2], [3, 4, 5], [6, math.nan, math.nan]], strict=True
    )


def test_positions_by_hand():
    """Three columns and two rows, so a step is half the width; the last cell is empty."""
    die = Die(5)
    np.testing.assert_allclose(die.along(0), [-0.5, 0.0, 0.5, -0.5, 0.0], atol=1e-15)
    np.testing.assert_allclose(die.along(90), [0.25, 0.25, 0.25, -0.25, -0.25], atol=1e-15)
    diagonal = [(-0.5 + 0.25), 0.25, (0.5 + 0.25), (-0.5 - 0.25), -0.25]
    np.testing.assert_allclose(die.along(45), np.array(diagonal) / math.sqrt(2), atol=1e-15)
    np.testing.assert_allclose(die.along(225), -die.along(45), atol=1e-15)
    assert Die(1).along(30.0).tolist() == [0.0]
