"""`nmos-chip` as a user calls it: what it writes, says and refuses."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chip_command import main
from analog_nmos.chips import Mismatch, draw_chip, load_chip
from analog_nmos.topology import dense, load_topology

DRAW = ("draw", "--topology", "small.npz", "--out")


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dense(4, 2, copies=2).save("small.npz")


def call(*words):
    try:
        return main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code


def table(lines):
    """Name of an array to its mean, standard deviation, least and largest number."""
    rows = [line.split() for line in lines if line.startswith(("vto", "beta"))]
    return {row[0]: [float(number) for number in row[1:5]] for row in rows}


def test_draw_writes_what_the_function_draws(capsys):
    options = ("--vto-sigma", 0.02, "--kp-sigma", 0.1, "--vto_gradient", 0.5, "--gradient-angle", "-45")
    assert call(*DRAW, "chip7.npz", "--seed", 7, *options) == 0
    chip = load_chip("chip7.npz", load_topology("small.npz"))
    mismatch = Mismatch(vto_sigma=0.02, kp_sigma=0.1, vto_gradient=0.5, gradient_angle=-45.0)
    expected = draw_chip(dense(4, 2, copies=2), read_model_card(default_card_path()), mismatch, 7)
    for name, values in expected.arrays().items():
        np.testing.assert_array_equal(chip.arrays()[name], values)
    assert chip.meta == {"topology": "small.npz", **expected.meta}
    first, second, *lines = capsys.readouterr().out.splitlines()
    assert first == "chip7.npz: seed 7, sigma 20 mV and 10 percent, gradient 500 mV and 0 percent at -45.0 degrees"
    assert second == "16 edges, two circuits"
    assert lines[0].split() == ["mean", "std", "min", "max"]
    assert len(lines) == 5
    for name, values in chip.arrays().items():
        numbers = np.array([values.mean(), values.std(), values.min(), values.max()])
        np.testing.assert_allclose(table(lines)[name], numbers * (1e3 if name[0] == "v" else 1), rtol=1e-4)


def test_by_default_it_is_the_published_strength_and_seed_0(capsys):
    assert call("draw", "--topology", "digits_8x8_dense_io_x1", "--out", "chip.npz") == 0
    assert capsys.readouterr().out.startswith(
        "chip.npz: seed 0, sigma 10 mV and 0.5 percent\n640 edges, two circuits\n"
    )
    assert load_chip("chip.npz").vto_free_V.std() == pytest.approx(0.01, rel=0.15)


def test_one_circuit_by_pelgroms_law_as_a_table(capsys):
    assert call(*DRAW, "chip.csv", "--one-circuit", "--pelgrom-vto", 20, "--pelgrom-kp", 1) == 0
    out = capsys.readouterr().out
    assert "sigma 0.6096 mV and 0.03048 percent\n16 edges, one circuit\n" in out
    assert Path("chip.csv").read_text().startswith("edge,vto_free,vto_clamp,beta_free,beta_clamp\n0,")
    assert load_chip("chip.csv").is_one_circuit


def test_pelgroms_law_reads_the_card_that_is_named(capsys):
    Path("card.lib").write_text(
        ".model ncg nmos (vto=0.8)\n.subckt NMOSWRAP D G S B\nM1 D G S B ncg l=1u w=4u\n.ends\n"
    )
    assert call(*DRAW, "chip.npz", "--pelgrom-vto", 6, "--model-card", "card.lib") == 0
    assert "sigma 3 mV and 0.5 percent" in capsys.readouterr().out


def test_an_existing_file_is_replaced_by_force_alone(capsys):
    assert call(*DRAW, "chip.npz") == 0
    before = Path("chip.npz").read_bytes()
    assert call(*DRAW, "chip.npz", "--seed", 1) == 2
    assert "chip.npz: exists already; name another file, or replace it with --force" in capsys.readouterr().err
    assert Path("chip.npz").read_bytes() == before
    assert call(*DRAW, "chip.npz", "--seed", 1, "--force") == 0
    assert Path("chip.npz").read_bytes() != before
    assert call(*DRAW, "chip.npz", "--force") == 0
    assert Path("chip.npz").read_bytes() == before


def test_show_prints_what_draw_printed(capsys):
    call(*DRAW, "a.npz", "--seed", 1)
    drawn = capsys.readouterr().out.splitlines()
    call(*DRAW, "b.csv", "--seed", 2)
    before = sorted(Path().iterdir())
    capsys.readouterr()
    assert call("show", "a.npz", "b.csv") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a.npz: 16 edges, two circuits"
    assert lines[1:6] == drawn[2:]
    assert lines[6].startswith('meta:     {"topology": "small.npz", "seed": 1, "mismatch": {')
    assert lines[7] == "b.csv: 16 edges, two circuits"
    assert lines[13] == "meta:     none"
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("plot_format", ["png", "pdf", "svg"])
def test_show_draws_into_a_folder(capsys, plot_format):
    call(*DRAW, "chip.npz")
    capsys.readouterr()
    assert call("show", "chip.npz", "--out", "a/b", "--plot-format", plot_format) == 0
    names = [f"a/b/chip_{name}.{plot_format}" for name in ("histogram", "network_vto", "network_kp", "die")]
    assert capsys.readouterr().out.splitlines()[7:] == names
    assert all(Path(name).stat().st_size > 1000 for name in names)


def test_measured_offsets_are_drawn_on_the_network_that_is_named(capsys):
    Path("measured.csv").write_text("vto_free,vto_clamp\n" + 16 * "0.01,-0.02\n")
    for words, names in (
        ((), ("histogram",)),
        (("--topology", "small.npz"), ("histogram", "network_vto")),
    ):
        assert call("show", "measured.csv", "--out", ".", *words) == 0
        lines = capsys.readouterr().out.splitlines()
        left_out = (
            "left out: map on the network: the file does not say for which topology it is; name it with --topology"
        )
        assert lines[7:] == [left_out] * (not words) + [f"measured_{name}.png" for name in names]


def test_a_network_that_is_gone_or_another_one_is_not_drawn(capsys):
    call(*DRAW, "chip.npz")
    Path("small.npz").unlink()
    dense(2, 4, copies=2).save("other.npz")
    for words, reason in (
        ((), "topology small.npz: no such file; name it with --topology"),
        (("again",), "topology small.npz has other edges than when the chip was drawn; name it with --topology"),
    ):
        if words:
            shutil.copy("other.npz", "small.npz")
        capsys.readouterr()
        assert call("show", "chip.npz", "--out", ".") == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[7:] == [f"left out: map on the network: {reason}", "chip_histogram.png", "chip_die.png"]


def test_a_meta_of_somebody_elses_is_only_shown(capsys):
    arrays = {name: np.ones(16) for name in ("vto_free", "vto_clamp")}
    np.savez("own.npz", **arrays, meta_json=np.array('{"die": [1], "topology": 3}'))
    assert call("show", "own.npz", "--out", ".") == 0
    assert capsys.readouterr().out.splitlines()[6:] == [
        'meta:     {"die": [1], "topology": 3}',
        "left out: map on the network: the file does not say for which topology it is; name it with --topology",
        "own_histogram.png",
    ]


BAD_INPUT = [
    ((), "the following arguments are required: draw|show"),
    (("print",), "invalid choice: 'print'"),
    (("draw", "--out", "out.npz"), "the following arguments are required: --topology"),
    (("draw", "--topology", "small.npz"), "the following arguments are required: --out"),
    (("draw", "--topology", "none.npz", "--out", "out.npz"), "topology none.npz: no such file"),
    ((*DRAW, "out.txt"), "out.txt: the name of a chip's file ends in .npz or .csv"),
    ((*DRAW, "nowhere/out.npz"), "nowhere/out.npz: name a file in a folder that exists"),
    ((*DRAW, ".", "--force"), ".: name a file in a folder that exists"),
    ((*DRAW, "n" * 240), "the name is too long; at most 230 bytes are allowed"),
    ((*DRAW, "out.npz", "--seed", "-1"), "'-1' is not a whole number of 0 or more"),
    ((*DRAW, "out.npz", "--vto-sigma", "1mV"), "'1mV' is not a number"),
    ((*DRAW, "out.npz", "--vto-sigma", "-1"), "-1 is out of range; it must be at least 0"),
    ((*DRAW, "out.npz", "--vto-sigma", "1", "--pelgrom-vto", "1"), "--vto-sigma and --pelgrom-vto are two ways"),
    ((*DRAW, "out.npz", "--gradient-angle", "1"), "and both are 0"),
    ((*DRAW, "out.npz", "--model-card", "none.lib"), "model card none.lib: no such file"),
    ((*DRAW, "out.npz", "--vto-sigma", "1000"), "array vto_free: edge "),
    (("show",), "the following arguments are required: FILE"),
    (("show", "none.npz"), "chip none.npz: no such file"),
    (("show", "small.npz"), "chip small.npz: has no vto_free and no vto_clamp"),
    (("show", "text.npz"), "chip text.npz: is not an NPZ file"),
    (("show", "hole.csv"), "chip hole.csv, line 2: no value of 'vto_clamp'"),
    (("show", "/dev/zero"), "chip /dev/zero: is not a regular file"),
    (("show", "good.csv", "--topology", "small.npz"), "chip good.csv: a chip of 1 edges does not fit a topology of 16"),
    (("show", "good.csv", "hole.csv", "--out", "figures"), "chip hole.csv, line 2: no value of 'vto_clamp'"),
    (("show", "good.csv", "a/good.csv"), "good.csv: two of these files are called good, and so would their figures be"),
    (("show", "good.csv", "--out", "text.npz"), "--out text.npz: is not a folder and cannot be created"),
    (("show", "good.csv", "--plot-format", "gif"), "invalid choice: 'gif'"),
]


@pytest.mark.parametrize(("words", "message"), BAD_INPUT)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, capsys, words, message):
    Path("text.npz").write_text("hello\n")
    Path("hole.csv").write_text("vto_free,vto_clamp\n0.1,\n")
    Path("good.csv").write_text("vto_free,vto_clamp\n0.1,0\n")
    before = sorted(tmp_path.iterdir())
    assert call(*words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "defaults"),
    [
        ((), ()),
        (("draw",), ("0", "refuse", "the shipped ALD1106", "0.01 V, or by --pelgrom-vto", "drawn from the seed")),
        (("show",), ("png", "the one that the file names")),
    ],
)
def test_help_shows_defaults(capsys, words, defaults):
    assert call(*words, "--help") == 0
    out = " ".join(capsys.readouterr().out.replace("-\n", "-").split()).replace("pelgrom- vto", "pelgrom-vto")
    assert all(f"(default: {default})" in out for default in defaults)
