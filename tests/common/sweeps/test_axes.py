"""Axes on the command line and in files, their product, and the names of runs."""

import random
from dataclasses import dataclass

import pytest
from demo_sweep import SWEEP, Config

from common.cli import option
from common.errors import InputError
from common.runs.spec import RunSpec, check_specs, read_specs, write_specs
from common.sweeps import Axis
from common.sweeps.axes import chosen_axes, product, show
from common.sweeps.grid import make_specs


def test_the_product_runs_fastest_over_the_last_axis():
    axes = [Axis("a", (1, 2)), Axis("b", ("x", "y"), lambda word: {"c": word * 2})]
    assert list(product(axes)) == [
        ({"a": 1, "b": "x"}, {"a": 1, "c": "xx"}),
        ({"a": 1, "b": "y"}, {"a": 1, "c": "yy"}),
        ({"a": 2, "b": "x"}, {"a": 2, "c": "xx"}),
        ({"a": 2, "b": "y"}, {"a": 2, "c": "yy"}),
    ]


def test_the_order_is_that_of_random_shuffle():
    specs = make_specs([Axis("seed", tuple(range(50)))], Config, lambda labels: str(labels["seed"]), ("seed",),
                       shuffle_seed=11)  # fmt: skip
    expected = list(range(50))
    random.seed(11)
    random.shuffle(expected)
    assert [spec.config["seed"] for spec in specs] == expected
    assert [spec.index for spec in specs] == list(range(50))


def test_the_command_line_wins_over_the_file_and_the_file_over_the_published_values(tmp_path):
    file = tmp_path / "grid.toml"
    file.write_text("seed = [5, 6]\nepochs = 4\n")
    axes = chosen_axes(Config, SWEEP.axes, file, {"seed": "7,8"})
    assert {axis.name: axis.values for axis in axes} == {"seed": (7, 8), "epochs": (4,)}
    specs = SWEEP.specs(chosen_axes(Config, SWEEP.axes, None, {"seed": "1", "epochs": "2,3"}))
    assert [spec.folder for spec in specs] == ["run_0000_seed1_epochs2", "run_0001_seed1_epochs3"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3-6", (3, 4, 5, 6)),
        ("0-1,9, 12-13", (0, 1, 9, 12, 13)),
        ("7-7", (7,)),
        ("-3,5", (-3, 5)),
    ],
)
def test_integers_may_be_ranges(tmp_path, text, values):
    [seeds, _] = chosen_axes(Config, SWEEP.axes, None, {"seed": text})
    assert seeds.values == values
    file = tmp_path / "grid.toml"
    file.write_text(f"seed = {text.split(',')}")
    [seeds, _] = chosen_axes(Config, SWEEP.axes, file, {})
    assert seeds.values == values


def test_words_with_a_hyphen_are_no_ranges():
    axes = [Axis("word", ("1-2",)), Axis("share", (0.5,))]

    @dataclass(frozen=True)
    class Options:
        word: str = option("", "a word")
        share: float = option(0.5, "a number")

    [word, _] = chosen_axes(Options, axes, None, {"word": "3-5,a-b"})
    assert word.values == ("3-5", "a-b")
    with pytest.raises(InputError, match="argument --share: '0-1' is not a number"):
        chosen_axes(Options, axes, None, {"share": "0-1"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("6-3", "argument --seed: the range 6-3 ends before it begins"),
        ("0-1000000", "argument --seed: the range 0-1000000 has more than 1,000,000 integers"),
        ("-3-5", "argument --seed: '-3-5' is not an integer"),
        ("3--5", "argument --seed: '3--5' is not an integer"),
        ("1-", "argument --seed: '1-' is not an integer"),
        ("0-3,2", "--seed: the same value twice"),
        ("0-99999999999999999999", "argument --seed: 99999999999999999999 does not fit into 64 bits"),
    ],
)
def test_a_bad_range_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        chosen_axes(Config, SWEEP.axes, None, {"seed": text})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sead = 1", "unknown axis 'sead'; known are epochs, seed"),
        ("quiet = true", "unknown axis 'quiet'"),
        ("seed = [1, 1]", "--seed: the same value twice"),
        ("seed = []", "--seed: no value"),
        ("seed = 1.5", r"argument --seed: 1\.5 is not an integer"),
        ("seed = [true]", "argument --seed: True is not an integer"),
        ("seed = ", "is not TOML"),
        ("seed = 99999999999999999999", "argument --seed: 99999999999999999999 does not fit into 64 bits"),
        ("seed = 0x" + "f" * 6000, "argument --seed: a number of 24000 bits does not fit into 64 bits"),
        ("seed = " + "[" * 100_000, "nested too deeply"),
        ("seed = [[1]]", r"argument --seed: \[1\] is not an integer"),
        ("\ufeffseed = [1, 1]", "--seed: the same value twice"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, text, message):
    file = tmp_path / "grid.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        chosen_axes(Config, SWEEP.axes, file, {})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.toml: no such file"):
        chosen_axes(Config, SWEEP.axes, tmp_path / "nothing.toml", {})


def test_values_as_words():
    assert [show(value) for value in (0.03, 3.0, 7, True, "x")] == ["0.03", "3", "7", "true", "x"]


def test_specs_survive_the_disk(tmp_path):
    specs = [RunSpec(3, "a", {"x": 0.1, "y": None}, {"z": "w"}, "g"), RunSpec(4, "b", {})]
    write_specs(tmp_path, specs)
    assert read_specs(tmp_path) == specs
    assert specs[0].columns == {"z": "w", "x": 0.1, "y": None}
    with pytest.raises(InputError, match=r"no runspecs\.jsonl"):
        read_specs(tmp_path / "elsewhere")


@pytest.mark.parametrize("names", [("a", "a"), ("a/b", "c"), ("", "c"), ("a" * 200, "c")])
def test_names_must_be_good_for_folders(names):
    with pytest.raises(InputError, match="run"):
        check_specs([RunSpec(index, name, {}) for index, name in enumerate(names)])
