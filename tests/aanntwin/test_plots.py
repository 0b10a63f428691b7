"""The Pareto front by its definition, and that every figure is drawn."""

import numpy as np
import pytest

from aanntwin.plots import pareto_front, plot_bits, plot_design_space, plot_noise

pytestmark = pytest.mark.usefixtures("foreign_settings")


@pytest.mark.parametrize("seed", range(5))
def test_front_holds_what_no_other_beats(seed):
    rng = np.random.default_rng(seed)
    points = [(float(cost), float(score)) for cost, score in rng.integers(0, 12, (60, 2))]

    def beaten(one, other):
        return other != one and other[0] <= one[0] and other[1] >= one[1]

    best = {point for point in points if not any(beaten(point, other) for other in points)}
    front = [points[number] for number in pareto_front(points)]
    assert set(front) == best
    assert len(front) == len(best)
    assert front == sorted(front)


def test_front_of_equal_points_and_of_none():
    assert pareto_front([]) == []
    assert pareto_front([(1.0, 0.5), (1.0, 0.5), (2.0, 0.5), (1.0, 0.4)]) == [0]


def test_figures_are_drawn_in_the_format_of_their_name(tmp_path):
    tests = {word: [(0.1, 0.9), (0.1, 0.8)] for word in ("none", "0", "0.50", "1.00")}
    noise = plot_noise({"none": tests, "0.1": tests}, tmp_path / "a.png", axis="noise on the input")
    bits = plot_bits([[0.1, 0.9]] * 3, [0.5, 1.0], ["0", "1", "clipped"], tmp_path / "b.pdf", title="linear_weight")
    space = plot_design_space([(10.0, 0.5), (100.0, 0.9)], tmp_path / "c.svg")
    assert noise.read_bytes().startswith(b"\x89PNG")
    assert bits.read_bytes().startswith(b"%PDF")
    assert b"<svg" in space.read_bytes()
