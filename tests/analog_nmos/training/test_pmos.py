"""Networks of PMOS: mirror images of networks of NMOS, in training as in solving."""

import dataclasses

import numpy as np
import pytest

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.data.split import Data, Split
from analog_nmos.objectives.mean_squared_error import MeanSquaredError
from analog_nmos.readouts import Readout, Value
from analog_nmos.topology import dense
from analog_nmos.training.compiled import train_replicas
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.copies import Copies
from analog_nmos.training.epoch import train_epoch
from analog_nmos.training.replica import new_replica
from common.runs import load_run


@pytest.fixture
def pmos_card(tmp_path):
    text = default_card_path().read_text().replace(" nmos", " pmos").replace("vto=0.75", "vto=-0.75")
    assert "vto=-0.75" in text.replace("VTO", "vto")
    path = tmp_path / "pmos.lib"
    path.write_text(text)
    return path


def trained(way, card_path, sign, **rule):
    """Gate voltages after two epochs on mirrored samples, from mirrored gates, some of them at a limit."""
    card, rng = read_model_card(card_path), np.random.default_rng(0)
    part = Split(sign * rng.uniform(0, 0.5, (30, 4)), sign * rng.uniform(0, 0.4, (30, 2)))
    gates = {"vg_init_lo": 0.5, "vg_init_hi": 3.0} if sign > 0 else {"vg_init_lo": -3.0, "vg_init_hi": -0.5}
    rails = {"vminus": 0.0, "vplus": 0.45} if sign > 0 else {"vminus": -0.45, "vplus": 0.0}
    config = TrainerConfig(seed=1, backend="native", **{"gamma": 20.0, **gates, **rails, **rule})
    data = Data(part, part, part, (), "mine", read=Readout(Value(("a", "b"))))
    replica = new_replica(config, data, dense(4, 2), sign=card.sign)
    replica.gate_V = sign * np.linspace(0.41, 3.0, 8)
    copies = Copies.of([replica], card)
    for _ in range(2):
        way(
            [replica],
            np.ones(1, bool),
            copies,
            MeanSquaredError(np.array([1.0]), answer=Value(("a", "b"))),
            print_none,
        )
    return replica.gate_V


def print_none(samples):
    pass


# With so large a gamma gates jump over the others' thresholds, and what rounding leaves grows a million times.
RULES = {
    "published": {},
    "adjoint": {"rule": "adjoint", "gamma": 2.0},
    "vector-field": {"quantity": "vector-field", "phases": "centred", "nudge_mode": "current", "gamma": 2.0},
    "co-content": {"quantity": "co-content", "terms": "power=0.1 homeostasis=0.01", "gamma": 2.0},
}


@pytest.mark.parametrize(("way", "rule"), [(train_epoch, "published"), *((train_replicas, rule) for rule in RULES)])
def test_they_learn_as_their_mirror_images(way, rule, pmos_card):
    nmos = trained(way, default_card_path(), 1.0, **RULES[rule])
    pmos = trained(way, pmos_card, -1.0, **RULES[rule])
    assert nmos.min() == 0.4 or rule != "published"
    assert np.abs(nmos - np.linspace(0.41, 3.0, 8)).max() > 0.5
    assert np.allclose(pmos, -nmos, rtol=0, atol=2e-6)  # 60 updates by solutions within 1e-7 V


def test_a_task_is_learned_and_pruned_with_pmos(here, tmp_path, pmos_card):
    gates = ("--vg-init", "fixed", "--vg-init-fixed", -4, "--input-vmin", -1, "--input-vmax", 0)
    card = ("--model-card", pmos_card.name, "--vminus", -0.45, "--vplus", 0, "--quiet", "--no-plots")
    here("analog_nmos.train", "iris", 1, *card, *gates, "--epochs", 40, "--run-dir", "run")
    record = load_run(tmp_path / "run")
    assert record.result["selected_test_acc"] >= 0.9
    gate_V = record.array("0_vg_unique_epoch40")
    assert -8 <= gate_V.min() < gate_V.max() <= -0.4


def test_a_pmos_is_off_above_the_cutoff(pmos_card):
    from analog_nmos.auto_prune_trainer import AutoPruneConfig
    from analog_nmos.training.pruning import edges_that_stay

    config = dataclasses.replace(AutoPruneConfig(), vg_cutoff_epochs=1)
    part = Split(np.zeros((2, 3)), np.zeros(2, np.int64))
    replica = new_replica(config, Data(part, part, part, ("a",), "mine"), dense(3, 1))
    replica.sign, replica.gate_V = -1.0, np.array([-4.0, -0.5, -0.7])
    assert edges_that_stay(replica, read_model_card(pmos_card)).tolist() == [True, False, True]
