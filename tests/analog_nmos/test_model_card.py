"""Reading model cards."""

import pytest

from analog_nmos.model_card import default_card_path, read_model_card
from common.errors import InputError

CARD = """\
* comment
.MODEL ncg NMOS (LEVEL = 1 vto=750m kp=62.5u ; trailing
+ lambda = 0.2) $ another
.subckt nmoswrap d g s b
m1 d g s b ncg l=7.8u w=138e-6 nrd=0.3
.ends
"""


def read(tmp_path, text):
    path = tmp_path / "card.lib"
    path.write_text(text)
    return read_model_card(path)


def test_the_shipped_card_has_the_published_numbers():
    card = read_model_card(default_card_path())
    assert card.vto_V == 0.75
    expected = {"level": 1, "vto": 0.75, "gamma": 1.09, "phi": 0.9499477708465783, "tpg": 1}
    expected |= {"kp": 6.249608378152027e-05, "lambda": 0.19998491299329302, "rsh": 73.21306042358299}
    assert card.model == expected
    geometry = {"l": 7.8e-6, "w": 0.138e-3, "as": 0.603e-8, "ps": 0.478e-3, "ad": 0.161e-8, "nrd": 0.3, "nrs": 1}
    assert card.instance == pytest.approx(geometry, rel=1e-15)


def test_spice_notation(tmp_path):
    card = read(tmp_path, CARD)
    assert card.model == pytest.approx({"level": 1, "vto": 0.75, "kp": 62.5e-6, "lambda": 0.2})
    assert card.instance == pytest.approx({"l": 7.8e-6, "w": 138e-6, "nrd": 0.3})


@pytest.mark.parametrize(
    ("text", "value"), [("1meg", 1e6), ("1mil", 25.4e-6), ("2m", 2e-3), ("3V", 3.0), ("-1.5e-3k", -1.5), (".5", 0.5)]
)
def test_units(tmp_path, text, value):
    assert read(tmp_path, CARD.replace("750m", text)).vto_V == pytest.approx(value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (".subckt nmoswrap", ".subckt other", "no .subckt NMOSWRAP D G S B in it"),
        ("d g s b\nm1", "d g s\nm1", "needs the four ports"),
        ("m1 d g s b", "m1 d g s 0", "must hold one transistor"),
        ("m1 d", "r1 d", "must hold one transistor"),
        (".ends", "m2 d g s b ncg l=1\n.ends", "must hold one transistor"),
        ("NMOS (", "PMOS (", "is of type PMOS; needs nmos"),
        (".MODEL ncg", ".MODEL other", "no .model ncg nmos"),
        ("kp=62.5u", "kp=much", "'kp=much' is not name=number"),
        ("kp=62.5u", "kp", "'kp' is not name=number"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, message):
    assert old in CARD
    with pytest.raises(InputError, match=r"model card .*card\.lib: ") as problem:
        read(tmp_path, CARD.replace(old, new))
    assert message in str(problem.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_model_card(tmp_path / "none.lib")
