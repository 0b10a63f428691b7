"""Geometry of the figures: cells, outline, and places of labels."""

import itertools

import numpy as np
import pytest

from psa_resmlp.figures.design_space import crowd, spread
from psa_resmlp.figures.space import REACH, area, border, cells, place
from psa_resmlp.study.architectures import ARCHITECTURES, ASYMMETRIC, parse


def inside(point, polygon, margin=1e-9):
    edges, to_point = np.roll(polygon, -1, axis=0) - polygon, point - polygon
    return (edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0] > margin).all()


def test_place_is_in_octaves():
    assert place(parse("16*1024")) == (10.0, 4.0)


def test_cells_lie_in_their_squares_do_not_overlap_and_hold_what_is_nearer_than_neighbours_are():
    points = np.array([place(one) for one in ARCHITECTURES])
    polygons = cells(points)
    rng = np.random.default_rng(0)
    counts = [0, 0]
    for probe in points[rng.integers(len(points), size=400)] + rng.uniform(-0.7, 0.7, (400, 2)):
        holders = [index for index, polygon in enumerate(polygons) if inside(probe, polygon)]
        assert len(holders) <= 1
        counts[len(holders)] += 1
        for index in holders:
            assert np.abs(points[index] - probe).max() <= REACH
            neighbours = points[np.abs(points - points[index]).max(axis=1) < 2 * REACH]
            assert np.hypot(*(points[index] - probe)) <= np.hypot(*(neighbours - probe).T).min() + 1e-9
    assert min(counts) > 50
    assert all(inside(point, polygon, margin=-1e-12) for point, polygon in zip(points, polygons, strict=True))


def test_a_lonely_cell_is_a_square():
    assert area(cells(np.array([[3.0, 4.0], [9.0, 9.0]]))[0]) == pytest.approx((2 * REACH) ** 2)


def test_the_outline_of_two_squares_is_their_union():
    two = cells(np.array([[0.0, 0.0], [1.0, 0.0]]))
    length = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in border(two))
    assert length == pytest.approx(6.0)
    alone = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in border(two[:1]))
    assert alone == pytest.approx(4.0)


def test_spread_keeps_order_and_distance_and_moves_no_more_than_needed():
    assert spread([0.0, 1.0, 5.0], 0.5) == [0.0, 1.0, 5.0]
    assert spread([1.0, 1.0, 1.0], 0.5) == pytest.approx([0.5, 1.0, 1.5])
    found = spread([0.0, 0.1, 0.15, 3.0, 3.1], 0.4)
    assert all(b - a >= 0.4 - 1e-12 for a, b in itertools.pairwise(found))
    assert np.mean(found[:3]) == pytest.approx(np.mean([0.0, 0.1, 0.15]))
    assert np.mean(found[3:]) == pytest.approx(3.05)
    assert spread([], 1.0) == []


def test_only_squares_close_to_each_other_are_crowded():
    names = [one.name for one in crowd(ARCHITECTURES)]
    assert "18*18" in names
    assert "115*115" not in names
    assert "5*5" not in names
    assert not set(crowd(ARCHITECTURES)) & set(ASYMMETRIC)
