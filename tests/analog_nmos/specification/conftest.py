"""Runs that take a second or two."""

import pytest

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.regression import Regression
from analog_nmos.topology import dense
from analog_nmos.train import run

PLAIN = {"plots": False, "quiet": True}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Folders of runs: iris on ideal transistors, iris on a chip with much mismatch, regression, prototypes."""
    folder = tmp_path_factory.mktemp("runs")
    card = read_model_card(default_card_path())
    draw_chip(dense(10, 3), card, Mismatch(vto_sigma=0.2, kp_sigma=0.1), 1).save(folder / "chip.npz")
    configs = {
        "iris": Iris(seed=1, epochs=4, **PLAIN),
        "on_chip": Iris(seed=1, epochs=3, chip=folder / "chip.npz", **PLAIN),
        "regression": Regression(epochs=3, **PLAIN),
        "prototype": Iris(seed=1, epochs=3, objective="prototype", **PLAIN),
    }
    return {name: run(config, folder / name) for name, config in configs.items()}
