"""One card, one circuit: every card gives the same voltages in ngspice and natively, or is refused by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from waiting import stretched

from analog_nmos.backends.native import NativeBackend
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.backends.ngspice_library import Ngspice
from analog_nmos.cards.model_card import ModelCard, read_model_card
from analog_nmos.circuit import CircuitOptions
from analog_nmos.topology import dense
from common.errors import InputError

MODEL = ".model ncg nmos (level=1 vto=0.8 gamma=0.9 phi=0.9 kp=5e-5 lambda=0.1 rsh=50)\n"
HEAD = ".subckt NMOSWRAP D G S B\n"
LINE = "M1 D G S B ncg l=8e-6 w=0.12e-3 nrd=0.4 nrs=0.9\n"
WRAPPER = f"{HEAD}{LINE}.ends NMOSWRAP\n"
PLAIN = MODEL + WRAPPER
TIGHT = {"reltol": 1e-9, "abstol": 1e-14, "vntol": 1e-11, "itl1": 2000}
LIMIT_V = 2e-8
TOPOLOGY = dense(4, 3)
EVERYONE = np.ones(1, bool)


def change(old: str, new: str, text: str = PLAIN) -> str:
    assert old in text
    return text.replace(old, new)


# Cards that both read.
SAME = {
    "plain": PLAIN,
    "upper case, scale factors": change("vto=0.8 gamma", "VTO=800M GAMMA", change("5e-5", "50U").replace("ncg", "NCG")),
    "units": change("0.8", "0.8V", change("rsh=50", "rsh=0.00005MEGohm").replace("8e-6", "8um")),
    "mils": change("l=8e-6", "l=0.314961mils"),
    "meter is milli": change("8e-6", "8e-6meter"),
    "micro sign": change("5e-5", "50µ"),
    "no equals signs in the model": change("=", " ", MODEL) + WRAPPER,
    "tabs": change(" ", "\t"),
    "bracket at the type": change("nmos (", "nmos("),
    "no closing bracket": change("50)", "50"),
    "model inside": f"{HEAD}{MODEL}{LINE}.ends\n.model ncg nmos (vto=1.4)\n",
    "model of its name elsewhere": ".subckt x d g s b\nm1 d g s b ncg\n.model ncg nmos (vto=1.5)\n.ends\n" + PLAIN,
    "twice the same parameter": change("rsh=50", "rsh=50 vto=1.1"),
    "vt0": change("vto", "vt0"),
    "negative threshold": change("vto=0.8", "vto=-0.8"),
    "ports in another order": change("D G S B", "S G D B"),
    "parameters": ".param v=0.8 u={50u}\n" + change("vto=0.8", "vto={v}", change("kp=5e-5", "kp='u'")),
    "parameters of the wrapper": change("D G S B\n", "D G S B params: w=0.12e-3 l=8u\n").replace(
        "l=8e-6 w=0.12e-3", "l=l w={w}"
    ),
    "quoted numbers": change("0.8", "'0.8'", change("5e-5", "{ 50u }")),
    "comments": change("gamma", "; c\n* d\n\n+ gamma", change("rsh", "// e\n+ rsh").replace("l=8", "$ f\n+ l=8")),
    "lines of ; and $": "; a\n" + change("gamma", "\n; b\n$ c\n+ gamma"),
    "comment with a continuation": "* a\n\n+ vto=9 b\n" + PLAIN,
    "form feed and other line ends of Unicode": "* page\f two \u2028 three \x85 four\n" + PLAIN,
    "byte order mark": "\ufeff" + PLAIN,
    "carriage returns": change("\n", "\r\n"),
    "end and a comment": PLAIN + ".END ; of card\n* tail\n",
    "temperature, which the command line sets": ".temp 85\n" + PLAIN,
    "options that the command line sets": ".options temp=85 gmin=1e-6 rshunt=1e6\n" + PLAIN,
    "no resistance": change(" rsh=50", "", change("nrd=0.4", "nrd=0")),
    "no resistance at the source": change("nrs=0.9", "nrs=0"),
    "milliohms": change("rsh=50", "rsh=2.5e-3"),
    "p-channel": change("nmos (", "pmos ("),
    "junctions and capacitances": change("rsh=50", "rsh=50 is=1e-12 cbd=5fF cj=1e-4 pb=0.9 tpg=1"),
}  # fmt: skip

# Cards for ngspice alone, and the word by which native refuses them.
NGSPICE_ONLY = {
    "level": (change("level=1", "level=3", change("lambda=0.1", "theta=0.1")), "level 3"),
    "BSIM": (".model ncg nmos (level=8 version=3.3.0 vth0=0.8 tox=1e-8 u0=400)\n" + WRAPPER, "version=3.3.0"),
    "substrate": (change("gamma=0.9 phi=0.9", "nsub=1e15 tox=50n"), "nsub"),
    "rd": (change("rsh=50", "rd=20 rs=45"), "rd"),
    "lateral diffusion": (change("rsh=50", "rsh=50 ld=0.5u"), "ld"),
    "its own tnom": (change("rsh=50", "rsh=50 tnom=60"), "tnom"),
    "its own temperature": (change("nrd", "temp=80 nrd"), "temp"),
    "dtemp": (change("nrd", "dtemp=50 nrd"), "dtemp"),
    "multiplier": (change("nrd", "m=2 nrd"), "m"),
    "off": (change("nrs=0.9", "nrs=0.9 off"), "off"),
    "no body diodes": (change("rsh=50", "rsh=50 is=0"), "'is'"),
    "ports swapped inside": (change("M1 D G S", "M1 S G D"), "M1 S G D B"),
    "expression": (".param v=0.5\n" + change("vto=0.8", "vto={v+0.3}"), "v\\+0.3"),
    "mil in an expression": (".param x=1mil\n" + change("l=8e-6", "l={x}"), "x=1mil"),
    "FORTRAN's exponent": (change("kp=5e-5", "kp=5.0D-5"), "kp=5.0D-5"),
    "decimal comma": (change("gamma=0.9", "gamma=0,9"), "9"),
    "dollar without a blank": (change("vto=0.8", "vto=0.8$threshold\n+ "), "vto=0.8\\$threshold"),
    "backslashes": (change("gamma", "\\\\\n gamma"), "gamma"),
    "conditions": (".if (0==1)\n.model ncg nmos (vto=1.5)\n.else\n" + MODEL + ".endif\n" + WRAPPER, ".if"),
    "two models": (MODEL + ".model ncg nmos (vto=1.2)\n" + WRAPPER, "a second .model ncg"),
    "element of its own": (PLAIN + "R9 3 0 1000\n", "element R9"),
    "global node": (".global B\n" + PLAIN, ".global"),
    "scale": (".options scale=1e-6\n" + change("l=8e-6 w=0.12e-3", "l=8 w=120"), ".options scale"),
    "commands": (PLAIN + ".control\nop\n.endc\n", ".control"),
    "microohms": (change("rsh=50", "rsh=1u"), "rsh \\* nrd = 4e-07 ohm"),
}  # fmt: skip

# Cards that ngspice refuses, with a word of its reason.
REFUSED_BY_NGSPICE = {
    "no model": (WRAPPER, "(can't find model|could not find a valid modelname)"),
    "no .ends": (MODEL + HEAD + LINE, "Mismatch of .subckt"),
    "unit behind a blank": (change("5e-5", "50 u"), r"unrecognized parameter \(u\)"),
    "unit behind a slash": (change("lambda=0.1", "lambda=0.1/V"), "unrecognized parameter"),
    "two wrappers": (PLAIN + WRAPPER, "redefinition of .subckt"),
    "no end of commands": (".control\nop\n" + PLAIN, "Missing .endc"),
}

TWICE = """
import sys
from analog_nmos.backends.ngspice import NgspiceBackend
from analog_nmos.circuit import CircuitOptions
from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.topology import dense
from common.errors import InputError
for path in (sys.argv[1], default_card_path()):
    try:
        NgspiceBackend([dense(2, 1)], read_model_card(path), CircuitOptions())
        print("accepted")
    except InputError as problem:
        print(problem, flush=True)
"""


def card_of(tmp_path: Path, text: str) -> ModelCard:
    path = tmp_path / "card.lib"
    path.write_text(text, encoding="utf-8", newline="")
    return read_model_card(path)


def voltages(backend: NativeBackend | NgspiceBackend) -> np.ndarray:
    """Outputs free and clamped, of a circuit whose bodies are forward biased too."""
    rng = np.random.default_rng(0)
    backend.set_gates(rng.uniform(0.5, 5, (1, TOPOLOGY.n_edges)))
    input_V, clamped = rng.uniform(-0.3, 1, (1, 4)), np.array([[True, False, True]])
    free = backend.solve_free(input_V, EVERYONE).node_V[0, TOPOLOGY.out_nodes].copy()
    target_V = np.array([[0.1, 0.3, 0.2]])
    return np.append(free, backend.solve_clamped(input_V, target_V, clamped, EVERYONE).node_V[0, TOPOLOGY.out_nodes])


def in_ngspice(card: ModelCard, **options: str) -> np.ndarray:
    backend = NgspiceBackend([TOPOLOGY], card, CircuitOptions(**TIGHT, **options))
    try:
        return voltages(backend)
    finally:
        backend.close()


def natively(card: ModelCard, **options: str) -> np.ndarray:
    return voltages(NativeBackend([TOPOLOGY], card, CircuitOptions(**TIGHT, **options), tolerance_V=1e-10))


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_both_build_the_same_circuit(spice: Ngspice, tmp_path, text) -> None:
    card = card_of(tmp_path, text)
    np.testing.assert_allclose(natively(card), in_ngspice(card), rtol=0, atol=LIMIT_V)


@pytest.mark.parametrize("body_tie", ["source", "floating"])
@pytest.mark.parametrize("solver", ["klu", "sparse"])
def test_no_resistance_on_one_side_in_every_body_tie_and_solver(spice: Ngspice, tmp_path, body_tie, solver) -> None:
    card = card_of(tmp_path, SAME["no resistance at the source"])
    expected = in_ngspice(card, body_tie=body_tie, solver=solver)
    np.testing.assert_allclose(natively(card, body_tie=body_tie), expected, rtol=0, atol=LIMIT_V)


def test_what_another_reading_of_a_card_would_change(spice: Ngspice, tmp_path) -> None:
    plain = in_ngspice(card_of(tmp_path, PLAIN))
    changes = [("vto=0.8", "vto=1.1"), ("rsh=50", "rsh=5"), ("8e-6", "8.01e-6"), ("nrs=0.9", "nrs=0")]
    for old, new in changes:
        moved = np.abs(in_ngspice(card_of(tmp_path, change(old, new))) - plain)
        assert moved.max() > 100 * LIMIT_V


@pytest.mark.parametrize(("text", "word"), NGSPICE_ONLY.values(), ids=NGSPICE_ONLY)
def test_native_refuses_by_name_what_only_ngspice_reads(spice: Ngspice, tmp_path, monkeypatch, text, word) -> None:
    monkeypatch.chdir(tmp_path)  # BSIM writes a log
    card = card_of(tmp_path, text)
    assert np.isfinite(in_ngspice(card)).all()
    with pytest.raises(InputError, match=rf"^native [^\n]*{word}[^\n]*card\.lib[^\n]*Use --backend ngspice$"):
        natively(card)


@pytest.mark.parametrize(("text", "reason"), REFUSED_BY_NGSPICE.values(), ids=REFUSED_BY_NGSPICE)
def test_ngspice_refuses_with_its_own_reason_in_one_line(spice: Ngspice, tmp_path, text, reason) -> None:
    card = card_of(tmp_path, text)
    with pytest.raises(InputError, match=rf"^model card \S*card\.lib: ngspice does not accept [^\n]*{reason}[^\n]*$"):
        in_ngspice(card)
    with pytest.raises(InputError, match=r"^native [^\n]*$"):
        natively(card)


def test_a_card_that_ngspice_gives_up_on(spice: Ngspice, tmp_path) -> None:
    """That library cannot go on; the next card gets a copy."""
    card_of(tmp_path, change("vto=0.8", "vto={nosuch(1)}"))
    done = subprocess.run(
        [sys.executable, "-c", TWICE, tmp_path / "card.lib"], capture_output=True, text=True, timeout=stretched(60)
    )
    first, second = done.stdout.splitlines()
    assert "card.lib: ngspice does not accept the circuit: Undefined parameter [nosuch]" in first
    assert second == "accepted"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_card_of_two_files_means_the_same_in_both(spice: Ngspice, tmp_path) -> None:
    (tmp_path / "my models.inc").write_text(MODEL)
    card = card_of(tmp_path, f".include 'my models.inc'\n{WRAPPER}")
    np.testing.assert_array_equal(in_ngspice(card), in_ngspice(card_of(tmp_path, PLAIN)))
