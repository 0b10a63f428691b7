"""Sheets show the right numbers in the right panel."""

import numpy as np
import pytest

from analog_nmos.figures.connections import connection_sheet
from analog_nmos.figures.run_files import LeftOut
from analog_nmos.figures.sheet import output_sheet
from analog_nmos.topology import Topology, dense, prune_pairs

pytestmark = pytest.mark.usefixtures("foreign_settings")


def images(fig):
    return [ax.images[0] for ax in fig.axes if ax.images]


def test_ten_images_in_shared_colours():
    matrix = np.arange(640.0).reshape(10, 64)
    matrix[3, 5] = np.nan
    fig = output_sheet(matrix, "gate voltage (V)", limits=(0, 639), title="all")
    panels = images(fig)
    assert len(panels) == 10
    for values, image in zip(matrix, panels, strict=True):
        np.testing.assert_array_equal(image.get_array().filled(np.nan), values.reshape(8, 8))
        assert (image.norm.vmin, image.norm.vmax) == (0, 639)
    assert [ax.get_title() for ax in fig.axes[:10]] == [f"output {k}" for k in range(10)]
    assert fig.axes[10].get_ylabel() == "gate voltage (V)"


@pytest.mark.parametrize("outputs", [1, 3, 5, 6, 12])
def test_panels_lie_within_the_page_and_apart(outputs):
    fig = output_sheet(np.zeros((outputs, 9)), "V", limits=(0, 1), title="t")
    boxes = [ax.get_position() for ax in fig.axes]
    assert len(boxes) == outputs + 1
    for k, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        for other in boxes[k + 1 :]:
            assert box.x1 <= other.x0 or other.x1 <= box.x0 or box.y1 <= other.y0 or other.y1 <= box.y0


def test_inputs_that_form_no_square_are_one_row_per_output():
    matrix = np.arange(12.0).reshape(2, 6)
    (image,) = images(output_sheet(matrix, "V", limits=(0, 11), title="t"))
    np.testing.assert_array_equal(image.get_array(), matrix)


def test_connections_of_a_pruned_network():
    fig = connection_sheet(prune_pairs(dense(4, 2), [(1, 0), (3, 1), (2, 1)]))
    first, second = images(fig)
    np.testing.assert_array_equal(first.get_array().mask, [[False, True], [False, False]])
    np.testing.assert_array_equal(second.get_array().mask, [[False, False], [True, True]])
    assert [ax.get_title() for ax in fig.axes] == ["output 0: 3 of 4", "output 1: 2 of 4"]  # no colour bar: yes or no


def test_parallel_connections_are_counted_in_steps():
    fig = connection_sheet(dense(4, 2, copies=3).keep(np.arange(24) != 5))
    image = images(fig)[1]
    np.testing.assert_array_equal(image.get_array(), [[2, 3], [3, 3]])
    assert image.cmap.N == 3
    assert fig.axes[-1].get_yticks().tolist() == [1, 2, 3]


def test_a_network_without_direct_connections_is_left_out():
    network = Topology(1, 2, [4], [3], edges_D=[4, 5], edges_S=[5, 3], hidden_nodes=[5])
    with pytest.raises(LeftOut, match="no edge joins an input with an output"):
        connection_sheet(network)
