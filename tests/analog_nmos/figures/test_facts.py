"""What `nmos-topology info` says about networks whose numbers are known."""

from analog_nmos.figures.facts import degrees, describe, parallel_pairs
from analog_nmos.topology import Topology, dense, shipped


def facts(network):
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in describe(network))}


def test_the_shipped_network():
    found = facts(shipped())
    assert (found["inputs"], found["outputs"], found["edges"], found["hidden nodes"]) == ("64", "10", "640", "0")
    assert found["edges per output"] == "min 64, mean 64.00, max 64"
    assert found["edges per input"] == "min 10, mean 10.00, max 10"
    assert found["connected pairs"] == "640 of 640 (input, output) pairs"
    assert found["duplicate pairs"] == found["isolated inputs"] == found["isolated outputs"] == "none"


def test_parallel_edges_and_isolated_nodes():
    network = dense(4, 2, copies=2).keep([0, 1, 2, 4])  # three of input 0, one of input 1
    assert parallel_pairs(network) == {(5, 3): 2}
    found = facts(network)
    assert found["duplicate pairs"] == "1, by node: 5-3 (2 edges)"
    assert found["parallel edges"] == "1 beyond the first of their pair"
    assert found["isolated inputs"] == "2: 2, 3"
    assert found["connected pairs"] == "3 of 8 (input, output) pairs"
    assert found["edges per input"] == "min 0, mean 1.00, max 3"


def test_hidden_nodes_count_with_their_edges():
    network = Topology(1, 2, [5, 6], [3, 4], edges_D=[5, 7, 7], edges_S=[7, 3, 6], hidden_nodes=[7])
    assert degrees(network, network.input_nodes).tolist() == [1, 1]
    assert degrees(network, network.hidden_nodes).tolist() == [3]
    found = facts(network)
    assert found["hidden nodes"] == "1"
    assert found["connected pairs"] == "0 of 4 (input, output) pairs"
    assert found["isolated outputs"] == "1: 1"
    assert found["meta"] == "none"


def test_long_lists_are_cut():
    assert facts(dense(20, 2, copies=2))["duplicate pairs"].endswith("(2 edges), ...")
    assert facts(dense(20, 1).keep([0]))["isolated inputs"] == "19: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, ..."
