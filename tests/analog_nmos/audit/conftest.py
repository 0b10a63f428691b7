"""Runs of a second or two, and audits of their epochs without the command."""

import dataclasses
import re

import numpy as np
import pytest

from analog_nmos.audit.options import AuditOptions
from analog_nmos.audit.study import Study
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.deployment.trained import at_epoch, load_trained
from analog_nmos.tasks.iris import Iris
from analog_nmos.tasks.regression import Regression
from analog_nmos.tasks.xor import Xor
from analog_nmos.topology.torus import Torus
from analog_nmos.train import run

PLAIN = {"plots": False, "quiet": True}


def drawn(topology, seed=1):
    return draw_chip(topology, read_model_card(default_card_path()), Mismatch(vto_sigma=0.02, kp_sigma=0.05), seed)


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Folders of the XOR torus in all kinds, and of iris, which has a score for each class, and PMOS."""
    folder = tmp_path_factory.mktemp("audited")
    drawn(Torus(side=4).build()).save(folder / "torus.npz")
    card = default_card_path().read_text().replace(" nmos", " pmos").replace("vto=0.75", "vto=-0.75")
    (folder / "pmos.lib").write_text(card)
    (folder / "bare.lib").write_text(re.sub(r"rsh=\S+\)", "rsh=0)", default_card_path().read_text()))
    high = {"vg_init_lo": 3.0, "vg_init_hi": 5.0}
    centred = {"phases": "centred", "nudge_mode": "current", "quantity": "device-aware"}
    pmos = {"model_card": folder / "pmos.lib", "input_vmin": -1.0, "input_vmax": 0.0, "vminus": -0.45, "vplus": 0.0}
    bare = {"vg_init_lo": 3.0, "vg_init_hi": 8.0, "delta": 1e-4, "model_card": folder / "bare.lib"}
    tiny = {"input_vmax": 1e-3, "vminus": 2e-4, "vplus": 7e-4, "level": -2e-4}  # V: far below saturation
    configs = {
        "resistors": Xor(seed=5, epochs=1, **bare, **tiny, **PLAIN),
        "one_output": Regression(epochs=1, nudge_mode="held", vg_init="random", **{**bare, "delta": 0.01}, **PLAIN),
        "xor": Xor(seed=3, epochs=4, nudge_mode="held", **PLAIN),
        "high": Xor(seed=5, epochs=1, nudge_mode="held", **high, **PLAIN),
        "clamped": Xor(seed=3, epochs=1, **PLAIN),
        "loaded": Xor(seed=3, epochs=1, rs_free=1e5, **PLAIN),
        "negative": Xor(seed=3, epochs=1, phases="negative", **PLAIN),
        "centred": Xor(seed=3, epochs=1, **centred, **PLAIN),
        "on_chip": Xor(seed=3, epochs=1, chip=folder / "torus.npz", gate_bits=6, **PLAIN),
        "adjoint": Xor(seed=3, epochs=1, rule="adjoint", **PLAIN),
        "iris": Iris(seed=1, epochs=2, **PLAIN),
        "pmos": Iris(seed=1, epochs=1, vg_init_fixed=-4.0, **pmos, **PLAIN),
    }
    return {name: run(config, folder / name) for name, config in configs.items()}


@pytest.fixture(scope="session")
def audit():
    """Audit an epoch of a run: `audit(folder, epoch=0, changes of its options, **audit's options)`."""

    def work(folder, epoch=0, changes=None, **options):
        trained = at_epoch(load_trained(folder, "last", options.get("backend")), epoch)
        trained = dataclasses.replace(trained, config=dataclasses.replace(trained.config, **(changes or {})))
        [found] = Study("run", trained, [trained], AuditOptions(**options)).audited(lambda samples: None)
        return found

    return work


@pytest.fixture(scope="session")
def loss():
    """The loss of a run's samples as a function of the gates on the chip, by a solver of its own; and these gates."""
    from analog_nmos.backends.native import NativeBackend

    def work(folder, epoch, samples):
        trained = at_epoch(load_trained(folder, "last"), epoch)
        data, topology = trained.replica.data, trained.replica.topology
        count = len(samples)
        free = [trained.replica.deviations[0]] * count
        solver = NativeBackend([topology] * count, trained.card, trained.config, tolerance_V=1e-13, deviations=free)

        def value(gate_V):
            solver.set_gates(np.tile(gate_V, (count, 1)))
            node_V = solver.solve_free(data.train.x_V[samples], np.ones(count, bool)).node_V
            score_V = data.readout.scores_V(node_V[:, topology.out_nodes])
            return trained.objective().evaluate(score_V, data.train.y[samples]).loss

        return value, trained.replica.periphery.written_V(trained.gates.gate_V, "gates")

    return work
