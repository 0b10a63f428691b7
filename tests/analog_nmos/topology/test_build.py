"""Builders and pruning."""

import pytest

from analog_nmos.topology import dense, find_topology, prune_copies, prune_flat, prune_pairs
from common.errors import InputError


def pairs(network):
    return list(zip(network.edges_D.tolist(), network.edges_S.tolist(), strict=True))


def test_edge_numbers_of_a_dense_network():
    network = dense(4, 3, copies=2)
    assert network.n_edges == 24
    for i in range(4):
        for k in range(3):
            for c in range(2):
                uid = ((i * 3) + k) * 2 + c
                assert (network.edges_D[uid], network.edges_S[uid]) == (6 + i, 3 + k)


def test_pruning_by_pair_copy_and_flat_index():
    network = dense(3, 2, copies=2)
    assert pairs(prune_pairs(network, [(1, 0)])) == [p for p in pairs(network) if p != (6, 3)]
    one_copy = prune_copies(network, [(1, 0, 1), (2, 1, 0)])
    assert one_copy.n_edges == 10
    assert pairs(one_copy).count((6, 3)) == pairs(one_copy).count((7, 4)) == 1
    assert pairs(prune_flat(network, [1 * 2 + 0])) == pairs(prune_pairs(network, [(1, 0)]))
    assert prune_flat(network, [2]).meta["pruned_by"] == "flat pair index"


def test_shipped_networks_are_found_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_topology("digits_8x8_dense_io_x1").n_edges == 640
    assert find_topology("digits_8x8_pruned.npz").n_edges == 570
    dense(2, 2).save(tmp_path / "digits_8x8_pruned.npz")  # a file of the user's goes first
    assert find_topology("digits_8x8_pruned.npz").n_edges == 4
    with pytest.raises(InputError, match="topology none: no such file"):
        find_topology("none")


@pytest.mark.parametrize("arguments", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_counts_below_one_are_refused(arguments):
    with pytest.raises(InputError, match="0 is out of range; it must be at least 1"):
        dense(*arguments)


def test_pairs_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match=r"pair \(3, 0\): inputs are 0\.\.2, outputs 0\.\.1"):
        prune_pairs(dense(3, 2), [(3, 0)])
    with pytest.raises(InputError, match=r"copy 2 of pair \(1, 0\): the pair has 2, counted from 0"):
        prune_copies(dense(3, 2, copies=2), [(0, 0, 1), (1, 0, 2)])


@pytest.mark.parametrize(
    ("counts", "message"),
    [((10**9, 10, 1), "at most 10000000 are"), ((2, 2, 10**400), "64 bits"), ((999_999, 1, 1), "999998")],
)
def test_sizes_are_bounded_before_memory_is_taken(counts, message):
    with pytest.raises(InputError, match=message):
        dense(*counts)
