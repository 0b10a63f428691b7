"""Things that an option names: members by a word, a user's own as package.module:Name."""

import json
import os
import sys
from dataclasses import dataclass

import pytest
from waiting import finish

from common import plugins
from common.cli import build, option
from common.errors import InputError
from common.plugins import Registry, add_search_path, label, load, loaded, recorded_folders

SHAPES = """
    from test_plugins_kinds import Shape
    class Square(Shape): pass
    SMALL = Square()
    NOTHING = 7
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with modules of a user; what is imported from there is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "test_plugins_kinds.py", "class Shape: pass\nclass Circle(Shape): pass\n")
    write(tmp_path / "shapes.py", SHAPES)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line.removeprefix("    ") for line in text.splitlines()) + "\n")


def registry():
    return Registry("shape", "test_plugins_kinds:Shape", {"circle": "test_plugins_kinds:Circle", "ring": 7})


def test_members_and_own_things(folder):
    shapes = registry()
    assert (list(shapes), len(shapes)) == (["circle", "ring"], 2)
    assert shapes.get("circle").__name__ == "Circle"
    assert shapes.get("shapes:Square").__name__ == "Square"  # from the working folder
    assert type(shapes.get("shapes:SMALL")).__name__ == "Square"
    assert shapes.allowed == "circle, ring, package.module:Name of your own"


@pytest.mark.parametrize("name", ["circle", "a:B", "a.b_1.c:D_e", "ä.ö:Ü"])
def test_names(name):
    assert name in registry()


@pytest.mark.parametrize(
    "name", ["square", "a:", ":B", "a.b", "a:B:C", "a..b:C", "1a:B", "a/b:C", "a:B.c", "a :B", "", 7]
)
def test_no_names(name):
    assert name not in registry()


def test_labels():
    assert [label(name) for name in ("circle", "my.shapes:Square")] == ["circle", "Square"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("square", "shape 'square' is not one of circle, ring, package.module:Name of your own"),
        ("x" * 500, "is not one of circle"),
        ("ring", "shape ring: is not of type test_plugins_kinds.Shape"),
        ("shapes:NOTHING", "shape shapes:NOTHING: is not of type test_plugins_kinds.Shape"),
        ("json:dumps", "shape json:dumps: is not of type test_plugins_kinds.Shape"),
        ("shapes:Triangle", "shape shapes:Triangle: no Triangle in shapes"),
        ("none:Square", "shape none:Square: no module none, neither in the working folder nor in PYTHONPATH"),
        ("shapes.none:Square", "shape shapes.none:Square: no module shapes.none, neither in"),
        (
            "broken:Square",
            "shape broken:Square: cannot be imported (ZeroDivisionError: division by zero; {}/broken.py:1)",
        ),
        ("typed:Square", "shape typed:Square: cannot be imported (SyntaxError: invalid syntax (typed.py, line 1))"),
        ("lines:Square", "shape lines:Square: cannot be imported (ValueError: one two; {}/lines.py:1)"),
        ("needs:Square", "(ModuleNotFoundError: No module named 'no_such_package'; {}/needs.py:1)"),
        ("refuses:Square", "no such size"),
    ],
)
def test_what_cannot_be_had_is_one_line(folder, name, message):
    write(folder / "broken.py", "work = lambda: 1 / 0\n\nwork()")
    write(folder / "typed.py", "Square = = 3")
    write(folder / "lines.py", "raise ValueError('one\\ntwo')")
    write(folder / "needs.py", "import no_such_package.part")
    write(folder / "refuses.py", "from common.errors import InputError\nraise InputError('no such size')")
    with pytest.raises(InputError) as raised:
        registry().get(name)
    assert message.format(folder) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_package_of_ours_that_was_left_out_is_for_the_command_to_report(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.delitem(sys.modules, "common.sweeps.dask_preemption", raising=False)
    with pytest.raises(ModuleNotFoundError, match="dask"):
        load("common.sweeps.dask_preemption:Preemption")


def test_an_option_takes_members_and_names_and_shows_them_in_help(folder, capsys):
    @dataclass(frozen=True)
    class Config:
        """Options."""

        shape: str = option("circle", "the shape", choices=registry())

    assert build(Config, {"shape": "shapes:Square"}).shape == "shapes:Square"
    with pytest.raises(InputError, match=r"square.*circle, ring, package.module:Name of your own"):
        build(Config, {"shape": "square"})


def test_modules_of_users_are_recorded_with_the_folders_in_which_others_find_them(folder):
    write(folder / "deep" / "__init__.py", "class One: pass")
    write(folder / "deep" / "down" / "__init__.py", "class Two: pass")
    write(folder / "deep" / "down" / "there.py", "class Three: pass")
    for name in ("shapes:Square", "deep:One", "deep.down:Two", "deep.down.there:Three", "json:dumps"):
        load(name)
    load("common.cli:option")  # ours is where this very code is
    files = loaded()
    assert files["deep.down.there:Three"] == str(folder / "deep" / "down" / "there.py")
    assert "common.cli:option" not in files
    own = {name: file for name, file in files.items() if name != "json:dumps"}
    assert set(recorded_folders(own)) == {folder}
    assert recorded_folders({"gone:Name": str(folder / "gone" / "gone.py")}) == []


def test_a_recorded_folder_serves_a_process_that_runs_elsewhere(folder, python, tmp_path_factory):
    load("shapes:Square")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    program = f"""if True:
        import json, os, sys
        os.chdir({str(elsewhere)!r})
        from common.errors import InputError
        from common.plugins import add_search_path, load, recorded_folders
        try:
            load("shapes:Square")
        except InputError as problem:
            print(problem)
        add_search_path(recorded_folders(json.loads(sys.argv[1])))
        print(load("shapes:Square").__name__)
    """

    out, err = finish(python("-P", "-c", program, json.dumps(loaded())), code=0)
    assert err == ""
    assert out.splitlines()[0].startswith("name shapes:Square: no module shapes")
    assert out.splitlines()[1] == "Square"


def test_folders_are_searched_last_and_once(folder):
    write(folder / "json.py", "raise RuntimeError('not the one of Python')")
    add_search_path([folder, folder])
    assert sys.path[-1] == str(folder)
    assert sys.path.count(str(folder)) == 1
    assert load("json:dumps") is json.dumps
    assert os.fspath(folder) in sys.path
