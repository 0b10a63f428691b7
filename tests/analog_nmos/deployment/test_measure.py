"""Trained gates at points: recorded outputs to the last bit, and those of circuits with a chip's transistors."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.chips.chip import Chip
from analog_nmos.deployment import Point, draw_seed, load_trained, measure
from analog_nmos.tasks.xor import Xor
from analog_nmos.train import run
from common.errors import InputError
from common.runs import load_run


def recorded(folder, epoch):
    """Outputs of the test after the last epoch; those of an epoch where it is validated on the test set."""
    final = folder / "0_vout_final_test.npy"
    return load_run(folder).array(final.name if final.exists() else f"0_vout_test_epoch{epoch}")


@pytest.mark.parametrize("name", ["iris", "on_chip", "xor", "regression", "pmos"])
def test_its_own_transistors_give_the_recorded_outputs_to_the_last_bit(runs, name):
    trained = load_trained(runs[name], "last")
    [found] = measure(trained, [Point(trained.chip)])
    np.testing.assert_array_equal(found.out_V, recorded(trained.folder, trained.epoch))
    result = load_run(trained.folder).result
    metric = "acc" if trained.metric == "accuracy" else trained.metric
    part = "test" if f"final_test_{metric}" in result else "val"
    assert found.value == result[f"final_{part}_{metric}"]
    assert found.failed == 0


@pytest.mark.parametrize("epoch", ["1", "2", "last"])
def test_predictions_are_by_the_prototypes_of_the_epoch(prototype, epoch):
    trained = load_trained(prototype, epoch)
    [found] = measure(trained, [Point()])
    history = load_run(prototype).array("0_val_acc")
    assert found.value == history[trained.epoch]


def test_a_chip_of_scale_0_is_the_run_without_a_chip(runs, chips):
    trained = load_trained(runs["iris"], "last")
    [found] = measure(trained, [Point(chips[0].scaled(0.0))])
    np.testing.assert_array_equal(found.out_V, recorded(trained.folder, trained.epoch))


def test_a_chip_has_the_outputs_of_a_circuit_with_its_transistors(runs, chips):
    trained = load_trained(runs["iris"])
    assert trained.epoch == load_run(runs["iris"]).result["selected_epoch"]
    points = [Point(chips[0]), Point(chips[1]), Point(chips[0].scaled(3.0))]
    for point, found in zip(points, measure(trained, points), strict=True):
        own = point.chip.free()
        backend = make_backend("native", [trained.replica.start], trained.card, trained.config, [own])
        backend.set_gates(load_run(runs["iris"]).array(f"0_vg_unique_epoch{trained.epoch}")[None])
        out_V, _ = backend.solve_many(0, trained.replica.data.test.x_V)
        np.testing.assert_allclose(found.out_V, out_V, rtol=0, atol=1e-9)  # chunks of samples start anew
        assert np.abs(out_V - recorded(trained.folder, trained.epoch)).max() > 1e-3


def test_a_chip_has_the_outputs_of_training_on_it_before_the_first_epoch(runs, tmp_path):
    at_start = load_trained(runs["xor"], "0")  # the initial gates of seed 1
    chip = draw_chip(at_start.replica.start, at_start.card, Mismatch(vto_sigma=0.2, kp_sigma=0.1), 5)
    chip.save(tmp_path / "chip.npz")
    config = Xor(seed=1, epochs=1, chip=tmp_path / "chip.npz", plots=False, quiet=True)
    [found] = measure(at_start, [Point(chip)])
    np.testing.assert_array_equal(found.out_V, recorded(run(config, tmp_path / "other"), 0))


def test_a_point_has_the_numbers_that_it_has_alone(runs, chips):
    trained = load_trained(runs["iris"])
    noisy = {"read_noise": "2%", "gate_noise": 0.01}
    points = [Point(chip, noisy, draw_seed(draw)) for chip in chips for draw in range(2)] + [Point(None, noisy)]
    together = measure(trained, points)
    for point, found in zip(points, together, strict=True):
        np.testing.assert_array_equal(measure(trained, [point])[0].out_V, found.out_V)
    assert len({found.out_V.tobytes() for found in together}) == len(points)


def test_noise_of_readings_is_that_of_the_published_streams(runs):
    trained = load_trained(runs["iris"], "last")
    quiet, noisy = measure(trained, [Point(), Point(None, {"read_noise": "0.01"}, draw_seed(3))])
    normals = np.random.default_rng(555_000 + 7919 * 3).standard_normal(quiet.out_V.shape)
    np.testing.assert_array_equal(noisy.out_V, quiet.out_V + 0.01 * normals)


def test_gates_are_written_by_a_converter_and_no_further_than_its_range(runs):
    trained = load_trained(runs["iris"])
    settings = {"gate_bits": 3, "gate_range": "1:3"}
    steps_V = np.linspace(1.0, 3.0, 8)
    nearest_V = steps_V[np.abs(trained.gates.gate_V.clip(1, 3)[:, None] - steps_V).argmin(axis=1)]
    gates = dataclasses.replace(trained.gates, gate_V=nearest_V)
    coarse, same = measure(trained, [Point(None, settings), Point(gates=gates)])
    np.testing.assert_allclose(coarse.out_V, same.out_V, rtol=0, atol=1e-12)


def test_a_temperature_is_that_of_the_circuit(runs):
    trained = load_trained(runs["iris"])
    as_trained, warm = measure(trained, [Point(), Point(None, {"temp": 80.0})])
    backend = make_backend(
        "native", [trained.replica.start], trained.card, dataclasses.replace(trained.config, temp=80.0)
    )
    backend.set_gates(trained.gates.gate_V[None])
    out_V, _ = backend.solve_many(0, trained.replica.data.test.x_V)
    np.testing.assert_allclose(warm.out_V, out_V, rtol=0, atol=1e-7)
    assert np.abs(warm.out_V - as_trained.out_V).max() > 1e-4


def test_a_pruned_network_has_those_of_a_chip_s_transistors_that_are_left(pruned):
    trained = load_trained(pruned, "last")
    uid, start = trained.gates.edge_uid, trained.replica.start
    assert uid.size < start.n_edges
    chip = draw_chip(start, trained.card, Mismatch(vto_sigma=0.1), 1)
    offset_V = np.full(start.n_edges, 7.0)  # of edges that are gone: none of them may matter
    offset_V[uid] = chip.vto_free_V[uid]
    other = Chip(offset_V, offset_V, chip.kp_free, chip.kp_free)
    found, same, ideal = measure(trained, [Point(chip), Point(other), Point()])
    np.testing.assert_array_equal(found.out_V, same.out_V)
    assert np.abs(found.out_V - ideal.out_V).max() > 1e-3


@pytest.mark.usefixtures("needs_ngspice")
def test_ngspice_finds_the_same_on_a_chip(runs, chips):
    by_both = [
        measure(load_trained(runs["iris"], backend=name), [Point(chips[0])])[0] for name in ("native", "ngspice")
    ]
    assert np.abs(by_both[0].out_V - by_both[1].out_V).max() < 1e-3  # ngspice's own tolerances
    assert by_both[0].value == pytest.approx(by_both[1].value, abs=0.04)


def test_what_cannot_be_is_refused(runs, chips, tmp_path):
    trained = load_trained(runs["xor"])
    with pytest.raises(InputError, match="a chip of 30 edges does not fit a topology of 32"):
        measure(trained, [Point(chips[0])])
    with pytest.raises(InputError, match="--read-noise"):
        measure(trained, [Point(None, {"read_noise": "much"})])
    with pytest.raises(InputError, match="no gate voltages of epoch 9; it has those of 0, 1, 2, 3, 4"):
        load_trained(runs["xor"], "9")
    with pytest.raises(InputError, match="--epoch: 'best' is not selected, last, or a number"):
        load_trained(runs["xor"], "best")
    with pytest.raises(InputError, match="no run_meta"):
        load_trained(tmp_path)


def test_a_run_that_is_not_finished_is_refused(runs, tmp_path):
    text = (runs["xor"] / "run_meta.json").read_text()
    (tmp_path / "run_meta.json").write_text(text.replace('"result"', '"elsewhere"').replace('"done"', '"interrupted"'))
    with pytest.raises(InputError, match=r"not a finished run of analog_nmos \(status interrupted\)"):
        load_trained(tmp_path)


def test_the_card_is_the_one_in_the_folder(runs):
    trained = load_trained(runs["iris"])
    assert trained.card.text == read_model_card(default_card_path()).text
    assert trained.card.path.parent == runs["iris"]
