"""Topology files: what is read, what is refused, and that nothing is ever unpickled."""

import numpy as np
import pytest

from analog_nmos.topology import Topology, dense, load_topology, shipped
from common.errors import InputError


def arrays(topology):
    names = ("negref", "posref", "input_nodes", "out_nodes", "edges_D", "edges_S")
    return {name: np.array(getattr(topology, name)) for name in names}


def test_save_and_load(tmp_path):
    network = dense(3, 2, copies=2, note="µ")
    network.save(tmp_path / "a.npz")
    again = load_topology(tmp_path / "a.npz")
    for name, array in arrays(network).items():
        assert np.array_equal(getattr(again, name), array)
    assert again.meta == network.meta
    assert again.hidden_nodes.size == 0


def test_the_shipped_network_is_the_published_one():
    network = shipped()
    assert (network.n_inputs, network.n_outputs, network.n_edges) == (64, 10, 640)
    assert network.out_nodes.tolist() == list(range(3, 13))
    assert network.input_nodes.tolist() == list(range(13, 77))
    assert (network.negref, network.posref, network.max_node) == (1, 2, 76)
    uid = 37 * 10 + 4
    assert (network.edges_D[uid], network.edges_S[uid]) == (13 + 37, 3 + 4)


class Trap:
    """Unpickling this would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickled_meta_is_dropped_and_never_unpickled(tmp_path):
    trap = np.array({"x": Trap(tmp_path / "trap")}, dtype=object)
    np.savez(tmp_path / "a.npz", **arrays(dense(3, 2)), meta_json=trap)
    with pytest.warns(UserWarning, match="meta_json .* dropped"):
        network = load_topology(tmp_path / "a.npz")
    assert network.meta == {}
    assert network.n_edges == 6
    assert not (tmp_path / "trap").exists()


def test_any_other_pickled_array_is_refused(tmp_path):
    wrong = {**arrays(dense(3, 2)), "edges_D": np.array([Trap(tmp_path / "trap")], dtype=object)}
    np.savez(tmp_path / "a.npz", **wrong)
    with pytest.raises(InputError, match="array edges_D is a pickled object, which is never read"):
        load_topology(tmp_path / "a.npz")
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x93NUMPY\x01\x00", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_npz(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="not an NPZ file"):
        load_topology(tmp_path / "a.npz")


def test_a_damaged_array_is_named(tmp_path):
    dense(30, 10).save(tmp_path / "a.npz")
    data = bytearray((tmp_path / "a.npz").read_bytes())
    place = data.index(b"edges_D.npy") + 400
    data[place : place + 8] = b"\xff" * 8
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match="array edges_D is damaged"):
        load_topology(tmp_path / "a.npz")


def test_missing_files_and_arrays(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_topology(tmp_path / "none.npz")
    some = arrays(dense(3, 2))
    del some["edges_S"]
    np.savez(tmp_path / "a.npz", **some)
    with pytest.raises(InputError, match="no array named edges_S"):
        load_topology(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"input_nodes": []}, "input_nodes is empty"),
        ({"out_nodes": np.zeros(0, int)}, "out_nodes is empty"),
        ({"edges_D": np.zeros(0, int), "edges_S": np.zeros(0, int)}, "edges_D is empty"),
        ({"edges_D": [5, 6]}, "edges_D has 2 entries and edges_S 6"),
        ({"edges_D": [[5, 5, 6, 6, 7, 7]]}, "edges_D must be a 1-D array of integers, not 2-D"),
        ({"edges_D": [5.0, 5, 6, 6, 7, 7]}, "integers"),
        ({"input_nodes": [5, 6, 6]}, "different numbers from 1 up"),
        ({"input_nodes": [0, 6, 7]}, "different numbers from 1 up"),
        ({"edges_D": [5, 5, 6, 6, 7, 3]}, "edge 5: drain 3 is not an input node"),
        ({"edges_S": [3, 4, 3, 4, 3, 9]}, "edge 5: source 9 is not an output node"),
        ({"edges_S": [3, 4, 3, 4, 3, 9], "hidden_nodes": [8]}, "edge 5: source 9 is not a numbered node"),
        ({"edges_S": [3, 4, 3, 4, 3, 7], "hidden_nodes": [8]}, "edge 5 joins a node with itself"),
    ],
)
def test_wrong_networks_are_refused(changes, message):
    parts = {**arrays(dense(3, 2)), **{name: np.array(value) for name, value in changes.items()}}
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        Topology(**parts)


def test_hidden_nodes_allow_any_edge_between_numbered_nodes(tmp_path):
    network = Topology(1, 2, np.array([4]), np.array([3]), np.array([4, 5, 2]), np.array([5, 3, 5]), np.array([5]))
    network.save(tmp_path / "a.npz")
    assert load_topology(tmp_path / "a.npz").hidden_nodes.tolist() == [5]


def test_parallel_edges_are_allowed():
    assert dense(2, 1, copies=3).n_edges == 6
