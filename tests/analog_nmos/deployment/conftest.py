"""Runs that take a second or two, and chips for their networks."""

from pathlib import Path

import pytest

from analog_nmos.auto_prune_trainer import AutoPruneConfig
from analog_nmos.auto_prune_trainer import run as auto_prune
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.dense_trainer_avgappr import PrototypeConfig
from analog_nmos.dense_trainer_avgappr import run as train_prototype
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.regression import Regression
from analog_nmos.tasks.xor import Xor
from analog_nmos.topology import dense
from analog_nmos.train import run

PLAIN = {"plots": False, "quiet": True}


@pytest.fixture(scope="session")
def chips():
    """Chips of iris' thirty transistors, with enough mismatch to be seen."""
    card = read_model_card(default_card_path())
    return [draw_chip(dense(10, 3), card, Mismatch(vto_sigma=0.2, kp_sigma=0.1), seed) for seed in (1, 2)]


@pytest.fixture(scope="session")
def runs(tmp_path_factory, chips):
    """Folders of runs: iris on ideal transistors, with one circuit; on the first chip; xor; regression; PMOS."""
    folder = tmp_path_factory.mktemp("runs")
    chips[0].save(folder / "chip1.npz")
    configs = {
        "iris": Iris(seed=1, epochs=4, **PLAIN),
        "on_chip": Iris(seed=2, epochs=3, chip=folder / "chip1.npz", **PLAIN),
        "xor": Xor(seed=1, epochs=4, **PLAIN),
        "regression": Regression(epochs=3, **PLAIN),
        "pmos": Iris(
            seed=1, epochs=3, model_card=folder / "pmos.lib", chip=folder / "chip1.npz", vg_init_fixed=-4.0,
            input_vmin=-1.0, input_vmax=0.0, vminus=-0.45, vplus=0.0, **PLAIN,
        ),
    }  # fmt: skip
    card = default_card_path().read_text().replace(" nmos", " pmos").replace("vto=0.75", "vto=-0.75")
    (folder / "pmos.lib").write_text(card)
    return {name: run(config, folder / name) for name, config in configs.items()}


@pytest.fixture(scope="session")
def pruned(tmp_path_factory):
    """A run of digits that has lost some of its 640 transistors."""
    config = AutoPruneConfig(
        seed=1,
        epochs=3,
        vg_cutoff_epochs=1,
        vg_cutoff_ratio=1.6,
        train_limit=40,
        test_limit=30,
        backend="native",
        **PLAIN,
    )
    return Path(auto_prune(config, tmp_path_factory.mktemp("pruned") / "run"))


@pytest.fixture(scope="session")
def prototype(tmp_path_factory, sparse_network):
    """A run of digits whose predictions need prototypes that it has measured."""
    folder = tmp_path_factory.mktemp("prototype")
    sparse_network.save(folder / "sparse.npz")
    config = PrototypeConfig(
        seed=1, epochs=3, topology=folder / "sparse.npz", train_limit=60, test_limit=30, backend="native", **PLAIN
    )
    return Path(train_prototype(config, folder / "run"))
