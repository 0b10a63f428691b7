"""Which edges go, and when."""

import numpy as np
import pytest

from analog_nmos.auto_prune_trainer import AutoPruneConfig, run
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.digits.data import Digits, Split
from analog_nmos.topology import dense
from analog_nmos.training.pruning import edges_that_stay
from analog_nmos.training.replica import new_replica
from common.errors import InputError

CARD = read_model_card(default_card_path())


def make_replica(**settings):
    part = Split(np.zeros((2, 2)), np.zeros(2, np.int64))
    return new_replica(AutoPruneConfig(**settings), Digits(part, part, part), dense(2, 2))


def test_an_edge_goes_after_so_many_epochs_in_a_row():
    replica = make_replica(vg_cutoff_epochs=3)  # cutoff 0.8 * 0.75 V
    history = [
        [0.59, 0.59, 0.61, 0.601],
        [0.59, 0.70, 0.59, 0.601],
        [0.59, 0.59, 0.59, 0.601],
    ]
    kept = []
    for gate_V in history:
        replica.gate_V = np.array(gate_V)
        keep = edges_that_stay(replica, CARD)
        kept.append(keep.tolist())
        if not keep.all():
            replica.keep_edges(keep)
    assert kept == [[True] * 4, [True] * 4, [False, True, True, True]]
    assert replica.edge_uid.tolist() == [1, 2, 3]
    assert replica.topology.n_edges == 3
    assert replica.memory["epochs_below_cutoff"].tolist() == [1, 2, 0]
    replica.gate_V = np.array([0.59, 0.59, 0.59])
    assert edges_that_stay(replica, CARD).tolist() == [True, False, True]


def test_a_card_without_a_threshold_is_refused_before_anything_is_written(tmp_path):
    card = tmp_path / "card.lib"
    card.write_text(default_card_path().read_text().replace("vto=0.75", ""))
    line = rf"^pruning needs a threshold voltage, .*: model card {card}: gives no threshold voltage; add vto=[^\n]*$"
    with pytest.raises(InputError, match=line):
        run(AutoPruneConfig(model_card=card, backend="native", train_limit=20), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_cutoff_is_a_multiple_of_the_cards_threshold():
    replica = make_replica(vg_cutoff_epochs=1, vg_cutoff_ratio=1.0)
    replica.gate_V = np.array([0.749, 0.75, 0.751, 8.0])
    assert edges_that_stay(replica, CARD).tolist() == [False, True, True, True]
