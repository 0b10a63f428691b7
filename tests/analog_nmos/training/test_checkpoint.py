"""Damaged checkpoints: one clear line, or the very state that was saved; never anything in between."""

import json

import numpy as np
import pytest

from analog_nmos.auto_prune_trainer import AutoPruneConfig
from analog_nmos.auto_prune_trainer import run as train
from analog_nmos.training.checkpoint import NAME, read_gates
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.opening import load_card, load_replica
from common.cli import build
from common.errors import InputError

MUTATIONS = 200


@pytest.fixture(scope="module")
def run(sparse_network, tmp_path_factory):
    """A run folder with a checkpoint of a pruned network, and its settings."""
    folder = tmp_path_factory.mktemp("run")
    sparse_network.save(folder / "sparse.npz")
    words = {
        "gamma": 3.0,
        "vg_init_lo": 0.4,
        "vg_init_hi": 1.5,
        "vg_cutoff_epochs": 1,
        "epochs": 2,
        "quiet": True,
        "plots": False,
    }
    words |= {"topology": folder / "sparse.npz", "backend": "native", "train_limit": 20, "test_limit": 10}
    settings = build(AutoPruneConfig, words)
    return settings, train(settings, folder / "run")


@pytest.fixture(scope="module")
def restore(run):
    """The state that a folder's checkpoint gives, as plain values."""
    settings, folder = run
    card, replica = load_card(settings, folder), load_replica(settings, folder)

    def state(place):
        circuits, restored = Circuits.at_checkpoints([replica], [place], card)
        assert restored == [True]
        arrays = {"gate_V": replica.gate_V, "uid": replica.edge_uid, **replica.memory, **circuits.state(0)}
        arrays |= {"rng": replica.rng.get_state()[1], "D": replica.topology.edges_D}
        values = {name: array.tobytes() for name, array in arrays.items()}
        return values | {
            "epoch": replica.epoch,
            "histories": json.dumps(replica.histories),
            "rest": replica.rng.get_state()[2:],
        }

    return state


def mutated(data, rng):
    """One of six kinds of damage, at a random place."""
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    kinds = (
        lambda: data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :],
        lambda: data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :],
        lambda: data[:at],
        lambda: data[:at] + data[at + length :],
        lambda: data[:at] + rng.bytes(length) + data[at:],
        lambda: data[:at] + bytes(length) + data[at + length :],
    )
    return kinds[int(rng.integers(len(kinds)))]()


def headers(data):
    """Where a ZIP file keeps names, sizes, methods and flags: a flipped bit there is the hard case."""
    directory = data.index(b"PK\x01\x02")
    starts = [at for at in range(len(data)) if data.startswith(b"PK\x03\x04", at)]
    return [*range(directory, len(data)), *(at + step for at in starts for step in range(170))]


def test_damaged_bytes(run, restore, tmp_path):
    rng = np.random.default_rng(1)
    data = (run[1] / NAME).read_bytes()
    intact, refused = restore(run[1]), 0
    places = headers(data)
    for number in range(MUTATIONS):
        if number % 2:
            damaged = mutated(data, rng)
        else:
            at = places[int(rng.integers(len(places)))]
            damaged = data[:at] + bytes([data[at] ^ (1 << int(rng.integers(8)))]) + data[at + 1 :]
        (tmp_path / NAME).write_bytes(damaged)
        found = refusal = None
        try:
            found = restore(tmp_path)
        except InputError as problem:
            refusal = str(problem)
        if refusal is None:
            assert found == intact, number
        else:
            assert refusal.startswith(f"checkpoint {tmp_path / NAME}: ")
            assert "\n" not in refusal
            refused += 1
    assert refused > MUTATIONS / 2


CHANGES = {
    "epoch": [None, np.int64(-1), np.float64(2), np.array([2, 2])],
    "gate_V": [None, np.zeros(3), np.full(60, np.nan), np.zeros((2, 2)), np.array("text")],
    "edge_uid": [None, np.zeros(0, np.int64), np.arange(60)[::-1].copy(), np.array([-1, 5]), np.array([5, 700]), 1.5],
    "rng_keys": [None, np.zeros(5, np.uint32), np.zeros(624)],
    "rng_rest": [None, np.array([10**6, 0, 0.0]), np.array([np.nan, 0, 0]), np.array([1.0, 2.0, 0.0]), np.zeros(2)],
    "histories": [None, np.array("{"), np.array("[]"), np.array('{"val_acc": 3}'), np.array('{"val_acc": [1]}'),
                  np.array('{"val_acc": [1, 2, "3"]}'), np.array("{}"), np.array('{"a":' * 90000), np.array(["{}"]),
                  np.frombuffer(b'{"val_acc": [1]}', np.uint8), np.array([200, 201], np.uint8), np.zeros(3)],
    "memory_epochs_below_cutoff": [np.zeros(3, np.int64), np.zeros(60)],
    "backend_sink_V": [None, np.zeros(3), np.zeros(10, np.int64), np.array("text")],
    "backend_more": [np.zeros(3)],
}  # fmt: skip


def test_histories_as_earlier_versions_wrote_them(run, restore, tmp_path):
    with np.load(run[1] / NAME) as checkpoint:
        arrays = dict(checkpoint)
    text = np.array(arrays["histories"].tobytes().decode())
    assert text.nbytes == 4 * arrays["histories"].nbytes
    np.savez(tmp_path / NAME, **{**arrays, "histories": text})
    assert restore(tmp_path) == restore(run[1])


@pytest.mark.parametrize("name", CHANGES)
def test_content_that_cannot_be(run, restore, tmp_path, name):
    with np.load(run[1] / NAME) as checkpoint:
        arrays = dict(checkpoint)
    for value in CHANGES[name]:
        changed = {key: array for key, array in {**arrays, name: value}.items() if array is not None}
        np.savez(tmp_path / NAME, **changed)
        with pytest.raises(InputError, match=r"checkpoint .*checkpoint\.npz: ") as problem:
            restore(tmp_path)
        assert "\n" not in str(problem.value)
        assert len(str(problem.value)) < 400


def test_commands_refuse_a_damaged_checkpoint_and_leave_the_folder_alone(run, here, tmp_path):
    checkpoint, meta = run[1] / NAME, (run[1] / "run_meta.json").read_bytes()
    data = checkpoint.read_bytes()
    try:
        for damaged in (data[:5000], data[:3000] + b"\x00" * 40 + data[3040:], b""):
            checkpoint.write_bytes(damaged)
            failed = here("analog_nmos.auto_prune_trainer", "--resume", run[1], "--epochs", 3, code=2)
            assert failed.err.startswith(f"error: checkpoint {checkpoint}: ")
            assert failed.err.count("\n") == 1
            assert (run[1] / "run_meta.json").read_bytes() == meta
    finally:
        checkpoint.write_bytes(data)


def test_the_gates_of_a_checkpoint(run, tmp_path):
    epoch, uid, gate_V = read_gates(run[1])
    assert (epoch, uid.shape) == (2, gate_V.shape)
    assert uid.size < 60
    with pytest.raises(InputError, match="no such file; the run has not finished epoch 0"):
        read_gates(tmp_path)
