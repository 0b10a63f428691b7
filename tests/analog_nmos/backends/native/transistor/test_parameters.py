"""What the native solver refuses, by name, and what it takes."""

from pathlib import Path

import pytest

from analog_nmos.backends.native.transistor.parameters import device_parameters
from analog_nmos.cards.model_card import ModelCard, default_card_path, read_model_card
from analog_nmos.circuit import CircuitOptions
from common.errors import InputError


@pytest.mark.parametrize("name", ["theta", "js", "rd", "u0", "tox", "nsub", "ld", "tnom", "delta"])
def test_model_parameter_is_refused_by_name(name):
    with pytest.raises(InputError, match=f"native does not model model parameter '{name}'"):
        device_parameters(ModelCard(Path("c.lib"), {"vto": 0.7, name: 0.1}, {}), CircuitOptions())


@pytest.mark.parametrize("name", ["m", "temp", "off"])
def test_instance_parameter_is_refused_by_name(name):
    with pytest.raises(InputError, match=f"instance parameter '{name}'"):
        device_parameters(ModelCard(Path("c.lib"), {"vto": 0.7}, {name: 2.0}), CircuitOptions())


@pytest.mark.parametrize("level", [2.0, 3.0, 49.0])
def test_other_levels_are_refused(level):
    with pytest.raises(InputError, match=f"level {level:g}"):
        device_parameters(ModelCard(Path("c.lib"), {"level": level}, {}), CircuitOptions())


@pytest.mark.parametrize(
    ("model", "instance", "name"),
    [
        ({"phi": 0.0}, {}, "phi"),
        ({"kp": -1.0}, {}, "kp"),
        ({}, {"l": 0.0}, "l"),
        ({"rsh": 9.0}, {"nrd": -1.0}, "nrd"),
        ({"is": 0.0}, {}, "is"),
        ({"gamma": -1.0}, {}, "gamma"),
    ],
)  # fmt: skip
def test_values_without_meaning_are_refused(model, instance, name):
    with pytest.raises(InputError, match=f"'{name}'"):
        device_parameters(ModelCard(Path("c.lib"), model, instance), CircuitOptions())


def test_what_the_reader_did_not_understand_is_refused():
    card = ModelCard(Path("c.lib"), {"vto": 0.7}, {}, unread=".if")
    with pytest.raises(InputError, match=r"^native does not model \.if \(card c\.lib\)\. Use --backend ngspice$"):
        device_parameters(card, CircuitOptions())


@pytest.mark.parametrize("name", ["nrd", "nrs"])
def test_a_series_resistance_is_none_or_no_smaller_than_ngspice_can_solve(name):
    def device(squares):
        return device_parameters(ModelCard(Path("c.lib"), {"rsh": 9.0}, {name: squares}), CircuitOptions())

    assert device(0.0)._asdict()[{"nrd": "rd_ohm", "nrs": "rs_ohm"}[name]] == 0.0
    assert device(1e-3 / 9)._asdict()[{"nrd": "rd_ohm", "nrs": "rs_ohm"}[name]] == pytest.approx(1e-3)
    with pytest.raises(InputError, match=rf"as small as rsh \* {name} = 9e-05 ohm \(card c\.lib\)"):
        device(1e-5)


def test_shipped_card_at_nominal_temperature_keeps_its_numbers():
    card = read_model_card(default_card_path())
    device = device_parameters(card, CircuitOptions(body_tie="source"))
    assert device.beta == pytest.approx(card.model["kp"] * card.instance["w"] / card.instance["l"], rel=1e-15)
    assert device.phi_V == pytest.approx(card.model["phi"], rel=1e-14)
    assert device.vbi_V + device.gamma * device.phi_V**0.5 == pytest.approx(card.vto_V, rel=1e-14)
    assert device.isat_A == pytest.approx(1e-14, rel=1e-14)
    assert (device.rd_ohm, device.rs_ohm) == (card.model["rsh"] * 0.3, card.model["rsh"])
    assert device.tie_S == device.body_S == 0.1
