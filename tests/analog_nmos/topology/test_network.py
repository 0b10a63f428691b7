"""Topology files: what is read, what is refused, and that nothing is ever unpickled."""

import io
import os
import zipfile

import numpy as np
import pytest

from analog_nmos.topology import Topology, dense, find_topology, load_topology, shipped
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


def header_of(shape):
    """An .npy file that says it has this shape, and has no data."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<i8", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def replace_member(path, name, content):
    with zipfile.ZipFile(path) as old:
        members = {entry: old.read(entry) for entry in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for entry, data in {**members, name: content}.items():
            new.writestr(entry, data)


@pytest.mark.parametrize("shape", [(10**13,), (2**62, 2**62)])
def test_a_header_of_terabytes_takes_no_memory(tmp_path, shape):
    dense(3, 2).save(tmp_path / "a.npz")
    replace_member(tmp_path / "a.npz", "edges_D.npy", header_of(shape))
    with pytest.raises(InputError, match="array edges_D is damaged"):
        load_topology(tmp_path / "a.npz")


def test_an_encrypted_array_is_refused(tmp_path):
    dense(3, 2).save(tmp_path / "a.npz")
    data = bytearray((tmp_path / "a.npz").read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flags of each entry, twice
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 1)
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(InputError, match="is encrypted"):
        load_topology(tmp_path / "a.npz")


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="is not a regular file"):
            load_topology(path)


def test_a_name_that_is_too_long():
    with pytest.raises(InputError, match="cannot be read") as caught:
        find_topology("n" * 300)
    assert len(str(caught.value)) < 300


def test_a_meta_nested_too_deeply_is_dropped(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays(dense(3, 2)), meta_json=np.array("[" * 100_000))
    with pytest.warns(UserWarning, match="meta_json .* dropped"):
        assert load_topology(tmp_path / "a.npz").meta == {}


def test_missing_files_and_arrays(tmp_path):
    with pytest.raises(InputError, match=r"none\.npz: no such file$"):
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
        ({"input_nodes": [5, 6, 10**9]}, "node 1000000000: nodes are numbered from 1 to 1000000 at most"),
        ({"input_nodes": [5, 6, 2**62]}, "node 4611686018427387904: nodes are numbered"),
        ({"edges_D": np.array([5, 5, 6, 6, 7, 2**63], np.uint64)}, "node 9223372036854775808: nodes are numbered"),
        ({"input_nodes": [5, 6, 6]}, "different numbers from 1 up"),
        ({"input_nodes": [0, 6, 7]}, "different numbers from 1 up"),
        ({"edges_D": [5, 5, 6, 6, 7, 8]}, "edge 5: drain 8 is no rail, input, output or hidden node"),
        ({"edges_S": [3, 4, 3, 4, 3, 9]}, "edge 5: source 9 is no rail, input, output or hidden node"),
        ({"edges_S": [3, 4, 3, 4, 3, 9], "hidden_nodes": [8]}, "edge 5: source 9 is no rail"),
        ({"edges_S": [3, 4, 3, 4, 3, 7], "hidden_nodes": [8]}, "edge 5 joins a node with itself"),
    ],
)
def test_wrong_networks_are_refused(changes, message):
    parts = {**arrays(dense(3, 2)), **{name: np.array(value) for name, value in changes.items()}}
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        Topology(**parts)


@pytest.mark.parametrize("name", ["negref", "posref"])
def test_rails_of_any_number_are_bounded(name):
    with pytest.raises(InputError, match="node 18446744073709551615: nodes are numbered"):
        Topology(**{**arrays(dense(3, 2)), name: 2**64 - 1})


def test_edges_may_join_any_two_nodes_that_have_a_role(tmp_path):
    assert Topology(1, 2, [5, 6], [3, 4], edges_D=[3, 3, 4, 1], edges_S=[5, 4, 6, 3]).n_edges == 4
    network = Topology(1, 2, np.array([4]), np.array([3]), np.array([4, 5, 2]), np.array([5, 3, 5]), np.array([5]))
    network.save(tmp_path / "a.npz")
    assert load_topology(tmp_path / "a.npz").hidden_nodes.tolist() == [5]


def test_parallel_edges_are_allowed():
    assert dense(2, 1, copies=3).n_edges == 6
