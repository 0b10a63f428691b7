"""Training on a chip from deployed gates: as nmos-train on this chip from these gates, each chip as if alone."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.backends import BACKENDS
from analog_nmos.backends.native import NativeBackend
from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.deployment import Point, load_trained, measure
from analog_nmos.deployment.repair import repair
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.xor import Xor
from analog_nmos.train import run
from common.cli import option
from common.errors import InputError, RunError
from common.runs import load_run

EPOCHS = 3


@dataclass(frozen=True, kw_only=True)
class FromGates(Iris):
    """iris with initial gate voltages from a file"""

    gates: Path | None = option(None, "their file")

    def initial_gates(self, rng, edges):
        super().initial_gates(rng, edges)  # as many draws
        return np.load(self.gates)


@dataclass(frozen=True, kw_only=True)
class XorFromGates(Xor):
    """likewise"""

    gates: Path | None = option(None, "their file")

    def initial_gates(self, rng, edges):
        super().initial_gates(rng, edges)
        return np.load(self.gates)


NOISY = {"read_noise": "1%", "gate_bits": 8, "gate_noise": 0.002, "update_noise": 1e-4, "gate_leak": 0.01, "gamma": 0.5}


@pytest.mark.parametrize(
    ("name", "kind", "settings"),
    [("iris", FromGates, {}), ("iris", FromGates, NOISY), ("xor", XorFromGates, {"gamma": 20.0})],
    ids=["iris", "noisy iris", "xor"],
)
def test_it_is_training_on_the_chip_from_these_gates(runs, tmp_path, name, kind, settings):
    trained = load_trained(runs[name])
    chip = draw_chip(trained.replica.start, trained.card, Mismatch(vto_sigma=0.2, kp_sigma=0.1), 4)
    chip.save(tmp_path / "chip.npz")
    np.save(tmp_path / "gates.npy", trained.gates.gate_V)
    config = kind(
        seed=1,
        epochs=EPOCHS,
        chip=tmp_path / "chip.npz",
        gates=tmp_path / "gates.npy",
        plots=False,
        quiet=True,
        **settings,
    )
    folder = run(config, tmp_path / "run")
    [found] = repair(trained, [chip], EPOCHS, settings)
    for epoch in range(1, EPOCHS + 1):
        np.testing.assert_array_equal(found[epoch].gate_V, np.load(folder / f"0_vg_unique_epoch{epoch}.npy"))
    assert np.abs(found[-1].gate_V - found[0].gate_V).max() > 1e-4
    if not settings:  # the test at the end of the run draws noise of its own
        [after] = measure(trained, [Point(chip, gates=found[-1])])
        assert after.value == load_run(folder).result["final_test_acc"]


def test_it_goes_on_with_prototypes_and_measures_those_of_the_chip(prototype):
    trained = load_trained(prototype)
    chip = draw_chip(trained.replica.start, trained.card, Mismatch(vto_sigma=0.3), 1)
    [found] = repair(trained, [chip], 2)
    np.testing.assert_array_equal(found[1].arrays["proto_out"], trained.gates.arrays["proto_out"])
    prototypes_V = found[2].arrays["proto_out"]
    assert np.nanmax(np.abs(prototypes_V - found[1].arrays["proto_out"])) > 1e-3
    [after] = measure(trained, [Point(chip, gates=found[2])])
    distance_V = np.nan_to_num(np.linalg.norm(after.out_V[:, None] - prototypes_V, axis=2), nan=np.inf)
    assert after.value == (distance_V.argmin(axis=1) == trained.replica.data.test.y).mean()
    moved = dataclasses.replace(found[2], arrays=found[1].arrays)
    assert measure(trained, [Point(chip, gates=moved)])[0].value != after.value


def test_chips_side_by_side_have_the_gates_that_each_has_alone(runs, chips):
    trained = load_trained(runs["iris"])
    together = repair(trained, chips, EPOCHS, NOISY)
    for chip, found in zip(chips, together, strict=True):
        [alone] = repair(trained, [chip], EPOCHS, NOISY)
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one.gate_V, other.gate_V)
    assert not np.array_equal(together[0][-1].gate_V, together[1][-1].gate_V)


def test_a_pruned_network_is_trained_as_it_is(pruned):
    trained = load_trained(pruned, "last")
    chip = draw_chip(trained.replica.start, trained.card, Mismatch(), 1)
    [found] = repair(trained, [chip], 1)
    np.testing.assert_array_equal(found[1].edge_uid, trained.gates.edge_uid)
    assert found[1].gate_V.shape == trained.gates.gate_V.shape
    assert not np.array_equal(found[1].gate_V, found[0].gate_V)


@pytest.mark.usefixtures("needs_ngspice")
def test_ngspice_trains_one_chip_after_the_other(runs, chips):
    by_both = [repair(load_trained(runs["iris"], backend=name), chips, 1) for name in ("native", "ngspice")]
    for ours, theirs in zip(*by_both, strict=True):
        np.testing.assert_allclose(ours[1].gate_V, theirs[1].gate_V, atol=0.02)  # ngspice's own tolerances


def test_a_chip_that_does_not_fit_is_refused(runs, chips):
    with pytest.raises(InputError, match="a chip of 30 edges does not fit a topology of 32"):
        repair(load_trained(runs["xor"]), chips, 1)


class Weak(NativeBackend):
    """Finds almost nothing: one Newton pass is allowed."""

    def __init__(self, topologies, card, options, *, deviations):
        super().__init__(topologies, card, options, max_passes=1, deviations=deviations)


def test_circuits_that_cannot_be_solved_end_it(runs, chips, monkeypatch):
    trained = load_trained(runs["iris"])
    monkeypatch.setattr(BACKENDS, "get", lambda name: Weak)
    with pytest.raises(RunError, match=r"repair, epoch 1: \d+ of \d+ operating points failed"):
        repair(trained, chips, 1)
    [found] = measure(trained, [Point(chips[0])])
    assert found.failed == len(trained.replica.data.test.y)
    assert found.value == 0.0
    assert np.isnan(found.out_V).all()
