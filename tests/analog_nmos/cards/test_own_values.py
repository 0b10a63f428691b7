"""A deviating transistor's parameters: all of the card's, but for its own vto and kp."""

from pathlib import Path

import pytest

from analog_nmos.cards.model_card import ModelCard, read_model_card
from analog_nmos.cards.own_values import own_values
from common.errors import InputError


def card(text, tmp_path):
    path = tmp_path / "card.lib"
    path.write_text(f".model ncg nmos ({text})\n.subckt NMOSWRAP D G S B\nM1 D G S B ncg l=8u w=120u\n.ends\n")
    return read_model_card(path)


@pytest.mark.parametrize(
    ("text", "vto_V", "kp"),
    [
        ("vto=0.8 kp=5e-5 gamma=0.9", 0.8, 5e-5),
        ("vt0=-0.8 kp=5e-5", -0.8, 5e-5),
        ("gamma=0.9", 0.0, 2e-5),
        ("vto=0.7 tox=1e-7 uo=500", 0.7, 500e-4 * 3.9 * 8.854214871e-12 / 1e-7),
        ("vto=0.7 tox=1e-7 nsub=1e15", 0.7, 600e-4 * 3.9 * 8.854214871e-12 / 1e-7),
        ("vto=0.7 kp=4e-5 tox=1e-7 u0=500", 0.7, 4e-5),
        ("tox=0 uo=500", 0.0, 2e-5),
    ],
)
def test_vto_and_kp_are_those_that_the_card_means(tmp_path, text, vto_V, kp):
    one = card(text, tmp_path)
    found = own_values(one, 0.25, 1.5)
    assert found["vto"] == pytest.approx(vto_V + 0.25, rel=1e-15)
    assert found["kp"] == pytest.approx(1.5 * kp, rel=1e-15)
    assert {name: found[name] for name in one.model if name not in ("vto", "kp")} == {
        name: value for name, value in one.model.items() if name not in ("vto", "kp")
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("level=3 vto=0.8", "with level 3 its transistors cannot deviate"),
        ("vto={v+0.3}", "with 'vto={v+0.3}' its transistors cannot deviate"),
        ("tox=1e-7 nsub=1e15", "gives no threshold voltage; add vto=... to its .model line"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, text, words):
    with pytest.raises(InputError) as problem:
        own_values(card(text, tmp_path), 0.0, 1.1)
    assert words in str(problem.value)
    assert "\n" not in str(problem.value)


def test_the_card_itself_stays_as_it_is():
    one = ModelCard(Path("test.lib"), {"vto": 0.7, "kp": 1e-5}, {})
    own_values(one, 0.1, 2.0)
    assert one.model == {"vto": 0.7, "kp": 1e-5}
