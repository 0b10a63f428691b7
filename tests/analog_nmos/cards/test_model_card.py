"""Reading model cards: numbers, files, what is refused for both solvers, and what is left to ngspice."""

import os

import pytest

from analog_nmos.cards.model_card import default_card_path, read_model_card
from common.errors import InputError

CARD = """\
* comment
.MODEL ncg NMOS (LEVEL = 1 vto=750m kp=62.5u ; trailing
+ lambda = 0.2) $ another
.subckt nmoswrap d g s b
m1 d g s b ncg l=7.8u w=138e-6 nrd=0.3
.ends
"""
WRAPPER = CARD[CARD.index(".subckt") :]


def write(tmp_path, text, name="card.lib"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(tmp_path, text):
    return read_model_card(write(tmp_path, text))


def refusal(tmp_path, text):
    with pytest.raises(InputError, match=r"^model card .*card\.lib: [^\n]*$") as problem:
        read(tmp_path, text)
    return str(problem.value)


def test_the_shipped_card_has_the_published_numbers():
    card = read_model_card(default_card_path())
    assert card.vto_V == 0.75
    expected = {"level": 1, "vto": 0.75, "gamma": 1.09, "phi": 0.9499477708465783, "tpg": 1}
    expected |= {"kp": 6.249608378152027e-05, "lambda": 0.19998491299329302, "rsh": 73.21306042358299}
    assert card.model == expected
    geometry = {"l": 7.8e-6, "w": 0.138e-3, "as": 0.603e-8, "ps": 0.478e-3, "ad": 0.161e-8, "nrd": 0.3, "nrs": 1}
    assert card.instance == pytest.approx(geometry, rel=1e-15)
    assert card.unread == ""


def test_a_pmos_keeps_the_subcircuits_name(tmp_path):
    card = read(tmp_path, CARD.replace("nmos (", "PMOS (").replace("NMOS (", "PMOS ("))
    assert (card.kind, card.sign, card.unread) == ("pmos", -1.0, "")
    assert (read(tmp_path, CARD).kind, read(tmp_path, CARD).sign) == ("nmos", 1.0)


def test_spice_notation(tmp_path):
    card = read(tmp_path, CARD)
    assert card.model == pytest.approx({"level": 1, "vto": 0.75, "kp": 62.5e-6, "lambda": 0.2})
    assert card.instance == pytest.approx({"l": 7.8e-6, "w": 138e-6, "nrd": 0.3})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("1meg", 1e6), ("1mil", 25.4e-6), ("2m", 2e-3), ("3V", 3.0), ("-1.5e-3k", -1.5), (".5", 0.5), ("+.5", 0.5)],
        *[("2MEG", 2e6), ("5G", 5e9), ("3x", 3.0), ("50µ", 50e-6), ("{800mV}", 0.8), ("'50u'", 50e-6), ("{ .5 }", 0.5)],
    ],
)
def test_units(tmp_path, text, value):
    card = read(tmp_path, CARD.replace("750m", text))
    assert card.vto_V == pytest.approx(value)
    assert card.unread == ""


@pytest.mark.parametrize(
    ("old", "new", "unread"),
    [
        ("m1 d g s b", "m1 d g s 0", "m1 d g s 0 for the ports d g s b"),
        ("m1 d g s b", "m1 s g d b", "m1 s g d b for the ports d g s b"),
        ("m1 d", "r1 d", "r1 in .subckt NMOSWRAP"),
        (".ends", "m2 d g s b ncg l=1\n.ends", "m2 in .subckt NMOSWRAP"),
        (".ends", "", ".subckt without .ends"),
        ("NMOS (", "NPN (", "a model of type NPN"),
        (".MODEL ncg", ".MODEL other", "a transistor without its .model ncg"),
        ("kp=62.5u", "kp=much", "'kp'"),
        ("kp=62.5u", "kp", "'kp'"),
        ("kp=62.5u", "kp={2*k}", "'kp={2*k}'"),
        ("kp=62.5u", "kp=6.25D-5", "'kp=6.25D-5'"),
        ("kp=62.5u", "kp=0.9.5", "'kp=0.9.5'"),
        ("kp=62.5u", "kp=0,9", "'9'"),
        ("kp=62.5u", "kp={1mil}", "'kp={1mil}'"),
        ("nrd=0.3", "off", "'off'"),
        ("kp=62.5u", "kp=1e400", "'kp=1e400'"),
        ("l=7.8u", "l 7.8u", "m1 with parameters without equals signs"),
        ("* comment", ".param k=1 m 2", ".param without an equals sign"),
        ("kp=62.5u", "kp=62.5u=", "a stray equals sign in .MODEL"),
        ("nrd=0.3", "nrd=0.3=", "a stray equals sign in m1"),
        ("* comment", ".param k=1\n.param k=2", "a second .param k"),
        ("* comment", ".model ncg nmos (vto=1)", "a second .model ncg"),
        ("* comment", ".options scale=1u", ".options scale"),
        ("* comment", ".if (1==1)", ".if"),
        ("* comment", "R9 64 0 100", "element R9"),
    ],
)
def test_what_is_not_plain_is_named_and_left_to_ngspice(tmp_path, old, new, unread):
    assert old in CARD
    card = read(tmp_path, CARD.replace(old, new))
    assert card.unread == unread
    assert new in card.text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (".subckt nmoswrap", ".subckt other", "no .subckt NMOSWRAP D G S B in it"),
        ("d g s b\nm1", "d g s\nm1", "needs the four ports D G S B, not d g s"),
        ("62.5u", "5e-5A", "differ on the suffix of 5e-5A; leave the unit out"),
        ("7.8u", "7a", "differ on the suffix of 7a"),
        ("vto=", "vth0=", "level 1 has no parameter vth0, .*; the threshold voltage is vto"),
        ("lambda", "theta=0.3 lambda", "level 1 has no parameter theta, .*; remove it"),
        ("kp=", "vt0=1 kp=", "both vto and vt0"),
        ("nrd=0.3", "nrd=0) rsh=5", ""),
        ("* comment", "# comment", "'# comment': only some versions of ngspice"),
        ("* comment", ".lib tt", "'.lib tt' begins a section of a library"),
        (".ends\n", ".ends\n.end\nnotes\n", "'notes' comes after .end; remove it"),
        ("* comment", ".include none.inc", "included file .*none.inc: no such file"),
        ("* comment", ".include card.lib", "files include files more than 10 deep"),
    ],
)
def test_what_is_refused_for_both_solvers(tmp_path, old, new, message):
    assert old in CARD
    text = CARD.replace(old, new)
    if not message:
        text, message = CARD.replace("kp=", "rsh=50 kp=").replace("0.3", "0"), "nrd=0 with rsh has no operating point"
    with pytest.raises(InputError, match=rf"^model card \S*card\.lib: .*{message}[^\n]*$"):
        read(tmp_path, text)


@pytest.mark.parametrize("text", ["8uA", "8mA", "2.5meterA", "1e3Va"])
def test_only_a_suffix_a_by_itself_is_refused(tmp_path, text):
    assert read(tmp_path, CARD.replace("7.8u", text)).instance["l"] > 0


def test_vt0_is_another_name_of_vto(tmp_path):
    assert read(tmp_path, CARD.replace("vto", "VT0")).vto_V == 0.75


@pytest.mark.parametrize("change", ["", "nsub=1e15 tox=50n", "vto={a+b}"])
def test_without_a_threshold_there_is_none(tmp_path, change):
    card = read(tmp_path, CARD.replace("vto=750m", change))
    with pytest.raises(InputError, match=r"card\.lib: gives no threshold voltage; add vto="):
        assert card.vto_V is None


def test_the_model_inside_the_wrapper_goes_first_and_others_do_not_count(tmp_path):
    inner = ".subckt other d g s b\nm1 d g s b ncg\n.model ncg nmos (vto=1.5)\n.ends\n"
    assert read(tmp_path, inner + CARD).vto_V == 0.75
    assert read(tmp_path, CARD.replace(".ends", ".model ncg nmos (vto=0.6)\n.ends") + inner).vto_V == 0.6


def test_parameters_of_the_card_and_of_the_wrapper(tmp_path):
    text = ".param v=0.6 k={v} l=1\n" + CARD.replace("750m", "{k}").replace("7.8u", "l").replace("138e-6", "{w}")
    card = read(
        tmp_path, text.replace("d g s b\n", "d g s b params: w=120u\n.param q=1\n", 1).replace("l=1\n", "l=1u\n")
    )
    assert (card.model["vto"], card.unread) == (0.6, "")
    assert card.instance == pytest.approx({"l": 1e-6, "w": 120e-6, "nrd": 0.3})


@pytest.mark.parametrize(
    "text",
    [
        CARD.replace("\n", "\r\n"),
        CARD.replace("\n", "\r"),
        CARD.replace(" ", "\t"),
        "\ufeff" + CARD,
        "\ufeff" + CARD[CARD.index(".MODEL") :],
        CARD.replace("* comment", "* page\f two words \u2028 and three \x85 lines"),
        CARD.replace("* comment", "* 50 µA/V²").encode("latin-1"),
        CARD.replace("* comment", "* a\n+ vto=9 b"),
        CARD.replace("+ lambda", "* between\n\n+ lambda"),
        CARD.replace("; trailing", "// trailing"),
        CARD + ".END ; of card\n* tail\n",
        CARD[: CARD.index(".subckt")].replace("=", " ") + WRAPPER,
        CARD.replace(")", ""),
    ],
    ids=range(13),
)
def test_the_same_card_written_in_another_way(tmp_path, text):
    plain, card = read(tmp_path, CARD), read(tmp_path, text)
    assert (card.model, card.instance, card.unread) == (plain.model, plain.instance, "")
    assert ".end " not in card.text.lower()


def test_a_model_outside_does_not_see_the_parameters_of_the_wrapper(tmp_path):
    text = ".param v=0.6\n" + CARD.replace("750m", "{v}")
    card = read(tmp_path, text.replace("d g s b\n", "d g s b v=0.9\n", 1))
    assert card.vto_V == 0.6
    text = text.replace("d g s b\n", "d g s b x=0.9\n", 1).replace("{v}", "{x}")
    assert read(tmp_path, text).unread == "'vto={x}'"


def test_files_that_a_card_names_become_part_of_it(tmp_path):
    models = CARD[: CARD.index(".subckt")]
    write(tmp_path, models, "my models.inc")
    write(tmp_path, f".lib ss\n{models.replace('750m', '1')}\n.endl\n.LIB TT\n{models}\n.ENDL TT\n", "corners.lib")
    for line in ('.include "my models.inc"', ".INC 'my models.inc' ; theirs", ".lib corners.lib tt"):
        card = read(tmp_path, f"{line}\n{WRAPPER}")
        assert (card.vto_V, card.unread) == (0.75, "")
        assert line not in card.text
    assert "library .*corners.lib: has no section ff" in refusal(tmp_path, f".lib corners.lib ff\n{WRAPPER}").replace(
        str(tmp_path) + os.sep, ".*"
    )


def test_the_temperature_of_the_command_line_counts(tmp_path):
    assert "\n* .temp 85 (--temp counts)\n" in read(tmp_path, CARD.replace("comment", "comment\n.temp 85")).text


@pytest.mark.parametrize("content", [CARD.encode("utf-16"), b"\0" * 100, b"* \xff" * 6_000_000])
def test_a_file_that_is_no_text(tmp_path, content):
    assert "save it as UTF-8" in (text := refusal(tmp_path, content)) or "too large" in text


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for name, reason in (("none", "no such file"), ("fifo", "not a regular file"), ("", "is a folder")):
        with pytest.raises(InputError, match=rf"^model card {tmp_path / name}: {reason}|is {reason}"):
            read_model_card(tmp_path / name)
    with pytest.raises(InputError, match="is not a regular file"):
        read_model_card("/dev/zero")


def test_the_text_of_a_text_is_the_same(tmp_path):
    """A resumed run reads the copy in its folder, and writes it again."""
    text = read_model_card(default_card_path()).text
    assert text == default_card_path().read_text()
    (tmp_path / "copy.lib").write_text(text + "\n\n")
    assert read_model_card(tmp_path / "copy.lib").text == text
