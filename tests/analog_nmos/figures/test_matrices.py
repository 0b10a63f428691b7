"""Matrices of outputs by inputs, against matrices written by hand."""

import numpy as np
import pytest

from analog_nmos.figures.matrices import connection_counts, edge_ends, image_side, mean_per_pair
from analog_nmos.topology import Topology, dense

NAN = np.nan


def hidden_network():
    """Inputs 5 and 6, outputs 3 and 4, hidden 7: one edge points from output to input, two touch the hidden node."""
    return Topology(1, 2, [5, 6], [3, 4], edges_D=[5, 4, 5, 7], edges_S=[3, 6, 7, 4], hidden_nodes=[7])


def test_ends_of_the_edges_of_a_dense_network():
    output, input_ = edge_ends(dense(3, 2, copies=2))
    assert output.tolist() == [0, 0, 1, 1] * 3
    assert input_.tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_ends_where_hidden_nodes_are():
    output, input_ = edge_ends(hidden_network())
    assert output.tolist() == [0, 1, -1, 1]
    assert input_.tolist() == [0, 1, 0, -1]


def test_order_of_nodes_in_the_file_is_the_order_of_rows_and_columns():
    network = Topology(1, 2, [9, 4], [7, 3], edges_D=[4, 9, 9], edges_S=[3, 3, 3])
    assert connection_counts(network).tolist() == [[0, 0], [2, 1]]


def test_counts():
    network = dense(3, 2, copies=2).keep([0, 1, 3, 11])
    assert connection_counts(network).tolist() == [[2, 0, 0], [1, 0, 1]]
    there = np.array([True, False, False, True])
    assert connection_counts(network, there).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert connection_counts(hidden_network()).tolist() == [[1, 0], [0, 1]]


def test_parallel_edges_are_averaged_and_missing_ones_are_nan():
    network = dense(2, 2, copies=2)
    gate_V = np.array([1.0, 3.0, NAN, 2.5, NAN, NAN, 0.5, 0.5])
    np.testing.assert_array_equal(mean_per_pair(network, gate_V), [[2.0, NAN], [2.5, 0.5]])
    np.testing.assert_array_equal(mean_per_pair(hidden_network(), np.arange(4.0)), [[0.0, NAN], [NAN, 1.0]])


@pytest.mark.parametrize(("inputs", "side"), [(64, 8), (9, 3), (4, 2), (1, None), (63, None), (30, None)])
def test_which_inputs_are_an_image(inputs, side):
    assert image_side(inputs) == side
