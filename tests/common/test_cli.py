"""Options from dataclasses: what --help says, what is refused, and how a command ends."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.cli import Parser, add_options, build, check, option, run_command, whole
from common.errors import InputError, Interrupted, RunError


@dataclass(frozen=True, kw_only=True)
class Base:
    """Circuit."""

    body_tie: str = option("ground", "where the body goes", choices=("source", "ground"))
    vplus: float = option(0.45, "positive rail", unit="V")


@dataclass(frozen=True, kw_only=True)
class Config(Base):
    """Training."""

    seed: int = option(0, "seed", positional=True, low=0)
    epochs: int = option(20, "epochs, 100% of them", low=1, high=1000)
    gamma: float = option(0.3, "learning rate", above=0.0)
    topology: Path | None = option(None, "file")
    final_test: bool = option(False, "test at the end")
    plots: bool = option(True, "draw plots")

    def check(self):
        if self.vplus < 0:
            raise InputError("--vplus must not be negative")


def parse(*words):
    parser = Parser(prog="demo")
    add_options(parser, Config)
    return build(Config, vars(parser.parse_args(words)))


def test_defaults_and_values():
    assert parse() == Config()
    config = parse("7", "--epochs", "3", "--topology", "a.npz", "--final-test", "--no-plots", "--gamma=1e-3")
    assert config == Config(seed=7, epochs=3, topology=Path("a.npz"), final_test=True, plots=False, gamma=1e-3)


def test_underscores_in_flags_are_hyphens_and_values_keep_theirs():
    assert parse("--body_tie=source", "--topology=my_file.npz").topology == Path("my_file.npz")
    assert parse("--body_tie", "source").body_tie == "source"
    assert parse("--vplus", "-0.0").vplus == 0


def test_help_shows_every_default_and_unit_under_the_class_that_owns_it(capsys):
    with pytest.raises(SystemExit, match="0"):
        parse("--help")
    text = " ".join(capsys.readouterr().out.split())
    for expected in ("(default: 0.45 V)", "(default: 20)", "{source,ground}", "100% of them", "[SEED]", "--no-plots"):
        assert expected in text
    assert (
        text.index("usage: demo [SEED] [options]")
        < text.index("Training:")
        < text.index("--epochs N")
        < text.index("Circuit:")
        < text.index("--vplus X")
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--epochs", "0"), "argument --epochs: 0 is out of range; it must be at least 1"),
        (("--epochs", "1001"), "at most 1000"),
        (("--epochs", "2.5"), "'2.5' is not an integer"),
        (("--gamma", "0"), "above 0"),
        (("--gamma", "nan"), "not a finite number"),
        (("--gamma", "much"), "'much' is not a number"),
        (("--gamma", "1e999"), "1e999 is not a finite number"),
        (("--gamma", "1_0.5"), "'1_0.5' is not a number"),
        (("--epochs", "99999999999999999999"), "argument --epochs: 99999999999999999999 does not fit into 64 bits"),
        (("--epochs", "9" * 5000), "99999 does not fit into 64 bits"),
        (("--epochs", "1_0"), "'1_0' is not an integer"),
        (("--epochs", "\uff11\uff12"), "is not an integer"),
        (("--epochs", "\u00b2"), "is not an integer"),
        (("--topology", "x" * 256), "is too long: a name has at most 255 bytes, a path 4095"),
        (("--topology", "x/" * 2100), "is too long"),
        (("--topology", "a\0b"), "has a null character"),
        (("--body-tie", "gate"), "'gate' is not one of source, ground"),
        (("-1",), "-1"),
        (("--epoch", "3"), "--epoch"),
        (("x",), "'x' is not an integer"),
        (("--no-such",), "--no-such"),
    ],
)
def test_wrong_words_are_one_line_and_exit_2(words, message, capsys):
    with pytest.raises(SystemExit) as stop:
        parse(*words)
    captured = capsys.readouterr()
    assert stop.value.code == 2
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "--epochs: 0 is out of range"),
        ({"epochs": 2.5}, "2.5 is not an integer"),
        ({"epochs": True}, "True is not an integer"),
        ({"gamma": float("inf")}, "not a finite number"),
        ({"gamma": 10**400}, "does not fit into 64 bits"),
        ({"epochs": 10**5000}, "--epochs: a number of 16610 bits does not fit into 64 bits"),
        ({"epochs": [[[]]]}, r"--epochs: \[\[\[\]\]\] is not an integer"),
        ({"x" * 5000: 1}, "unknown setting 'xxxx"),
        ({"topology": 5}, "--topology: 5 is not a path"),
        ({"topology": "\ud800"}, "cannot be the name of a file"),
        ({"topology": "y" * 300}, "too long"),
        ({"body_tie": "gate"}, "not one of source, ground"),
        ({"final_test": 1}, "not of type bool"),
        ({"vplus": -1.0}, "--vplus must not be negative"),
        ({"epoch": 1}, "unknown setting 'epoch'; known are"),
    ],
)
def test_notebooks_get_the_same_checks(values, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")) as caught:
        build(Config, values)
    assert len(str(caught.value)) < 400


def test_text_of_a_file_becomes_a_path_where_the_option_is_one():
    assert build(Config, {"topology": "a.npz"}).topology == Path("a.npz")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--top", "9" * 20), "error: argument --top: 99999999999999999999 does not fit into 64 bits (see"),
        (("--lr", "inf"), "error: argument --lr: inf is not a finite number (see"),
        (("--out", "x" * 256), "is too long"),
        (("--limit", "\u00b2"), "is not a whole number of 1 or more"),
        (("--limit", "9" * 6000), "does not fit into 64 bits"),
    ],
)
def test_options_that_are_no_fields_are_read_the_same_way(words, message, capsys):
    parser = Parser(prog="demo")
    parser.add_argument("--top", type=int)
    parser.add_argument("--lr", type=float)
    parser.add_argument_group("g").add_argument("--out", type=Path, default=Path("here"))
    parser.add_argument("--limit", type=whole(1))
    good = {"top": -3, "lr": 1000.0, "out": Path("there"), "limit": 2}
    assert vars(parser.parse_args(["--top=-3", "--lr=1e3", "--out=there", "--limit=2"])) == good
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(words)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert len(error) < 400


@dataclass(frozen=True, kw_only=True)
class Several:
    """Network."""

    layers: tuple[int, ...] = option((512,), "widths", low=1)
    ps: tuple[float, ...] = option((0.0, 0.5), "probabilities", high=1.0)
    fields: tuple[str, ...] | None = option(None, "curves", choices=("linear", "exponential"))


def parse_several(*words, prefix=""):
    parser = Parser(prog="demo")
    add_options(parser, Several, prefix)
    return vars(parser.parse_args(words))


def test_a_tuple_takes_words_and_commas():
    assert parse_several("--layers", "3", "4,5", "--ps=0.1,1") == {"layers": (3, 4, 5), "ps": (0.1, 1.0)}
    assert parse_several("--fields", "linear", "exponential") == {"fields": ("linear", "exponential")}
    assert build(Several, parse_several()) == Several()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--layers", "3", "0"), "argument --layers: 0 is out of range; it must be at least 1"),
        (("--layers", "3,,4"), "'' is not an integer"),
        (("--layers",), "--layers"),
        (("--ps", "0.5", "2"), "at most 1"),
        (("--fields", "linear,cubic"), "argument --fields: 'cubic' is not one of linear, exponential"),
    ],
)
def test_every_word_of_a_tuple_is_checked(words, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        parse_several(*words)
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_tuples_from_notebooks_are_checked_too():
    with pytest.raises(InputError, match=r"--layers: 0 is out of range"):
        build(Several, {"layers": (3, 0)})
    assert build(Several, {"layers": [3, 4], "fields": ["linear"]}) == Several(layers=(3, 4), fields=("linear",))
    with pytest.raises(InputError, match=r"3 is not a tuple"):
        build(Several, {"layers": 3})


def test_a_prefix_names_a_group_of_settings(capsys):
    assert parse_several("--net_layers", "7", "--net-ps", "1", prefix="net") == {"net_layers": (7,), "net_ps": (1.0,)}
    with pytest.raises(InputError, match=r"argument --net-ps: 2 is out of range"):
        check(Several(ps=(2.0,)), "net")
    with pytest.raises(SystemExit, match="0"):
        parse_several("--help", prefix="net")
    text = " ".join(capsys.readouterr().out.split())
    assert "(default: 0 0.5)" in text
    assert "--net-layers" in text


def test_an_integer_will_do_for_a_number():
    check(Config(gamma=1))


@pytest.mark.parametrize(
    ("problem", "code", "line"),
    [
        (InputError("no such\nfile"), 2, "error: no such file"),
        (RunError("epoch 3 failed"), 1, "error: epoch 3 failed"),
        (Interrupted("interrupted by SIGTERM", 15), 143, "demo: interrupted by SIGTERM"),
        (KeyboardInterrupt(), 130, "demo: interrupted"),
        (OSError(28, "No space left on device", "/x/y"), 1, "error: No space left on device (/x/y)"),
        (MemoryError("Unable to allocate 7 TiB"), 1, "error: not enough memory (Unable to allocate 7 TiB)"),
        (MemoryError(), 1, "error: not enough memory"),
    ],
)
def test_expected_failures_become_one_line_and_an_exit_code(problem, code, line, capsys):
    def work():
        raise problem

    assert run_command("demo", work) == code
    assert capsys.readouterr().err == line + "\n"


def test_a_package_that_the_small_installation_leaves_out_is_named(capsys):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    assert run_command("demo", lambda: missing("torch")) == 1
    line = capsys.readouterr().err
    assert line.startswith("error: torch is not installed; ")
    assert line.count("\n") == 1
    with pytest.raises(ModuleNotFoundError):
        run_command("demo", lambda: missing("tourch"))


def test_a_programming_error_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run_command("demo", lambda: 1 // 0)


def test_warnings_are_lines_without_source_and_come_once(capsys):
    def work():
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            for number in (1, 2, 2, 1):
                warnings.warn(f"sample {number} is\n odd", RuntimeWarning, stacklevel=1)
        return 0

    before = warnings.showwarning
    assert run_command("demo", work) == 0
    assert capsys.readouterr().err == "warning: sample 1 is odd\nwarning: sample 2 is odd\n"
    assert warnings.showwarning is before


def test_warnings_that_a_filter_turns_into_errors_stay_errors():
    def work():
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        return 0

    with pytest.raises(DeprecationWarning, match="old"):  # as pytest is set up here
        run_command("demo", work)
