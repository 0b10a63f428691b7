"""The figure: a panel for each imperfection with its target, its limit and its curve."""

import numpy as np
import pytest

from analog_nmos.specification.figures import spec_figure
from analog_nmos.specification.limits import Found
from analog_nmos.specification.names import QUANTITIES
from analog_nmos.specification.search import Goal, Resamples, find_fewest, find_level

GOAL = Goal(np.ones(50), 0.02, True)


def found(name, draws=3):
    quantity, resamples = QUANTITIES[name], Resamples(draws, 50, 0, count=50)
    if not quantity.rises:
        values = np.stack([np.full((1, 50), 1.0 - (bits < 6)) for bits in quantity.levels])
        return Found(quantity, find_fewest(quantity.levels, values, GOAL, Resamples(1, 50, 0, count=50)))
    bears = np.random.default_rng(0).uniform(0.01, 0.3, (draws, 50))
    return Found(quantity, find_level(lambda level: (bears > level) * 1.0, quantity.levels, GOAL, resamples, 0.01))


@pytest.mark.parametrize("names", [tuple(QUANTITIES), ("kp", "gate-bits", "vto", "read-noise"), ("read-noise",)])
def test_a_panel_for_each_with_the_target_and_the_limit(names):
    rows = [found(name) for name in names]
    fig = spec_figure(rows, GOAL)
    shown = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title() for ax in shown] == [row.quantity.title.partition(" (")[0] for row in rows]
    for ax, row in zip(shown, rows, strict=True):
        curve, target, limit = ax.get_lines()
        np.testing.assert_array_equal(curve.get_xdata(), row.limit.levels)
        np.testing.assert_allclose(curve.get_ydata(), 100 * row.limit.curve[:, 0])
        assert target.get_ydata()[0] == pytest.approx(2.0)
        assert limit.get_xdata()[0] == row.limit.value
        assert ax.get_ylim()[1] == pytest.approx(16.0)  # eight times the target
        low, high = sorted(ax.get_xlim())
        assert low <= row.limit.levels.min()
        assert row.limit.levels.max() <= high
        assert ax.get_xscale() == ("log" if row.quantity.rises else "linear")
    assert shown[0].get_ylabel() == "points of accuracy lost"
    fig.canvas.draw()


def test_one_draw_has_no_band_and_no_limit_no_line():
    row = found("vto", draws=1)
    [ax] = spec_figure([row], GOAL).axes
    assert len(ax.collections) == 0
    never = Found(
        row.quantity,
        find_level(lambda level: np.ones((1, 50)), row.quantity.levels, GOAL, Resamples(1, 50, 0, count=9), 0.01),
    )
    [ax] = spec_figure([never], Goal(np.ones(50), 0.02, False)).axes
    assert len(ax.get_lines()) == 2
    assert ax.get_ylabel() == "error (% larger)"
