"""The shell scripts, run in a small copy of the tree in which Poetry, apt and the rest are stand-ins.

Nothing here reaches the network: PATH holds the stand-ins and the few tools that the scripts may use.
"""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import finish, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = [*sorted(REPOSITORY.glob("scripts/*.sh")), REPOSITORY / ".ci" / "run"]
TOOLS = ["awk", "bash", "cat", "chmod", "cp", "dirname", "env", "find", "flock", "grep", "head", "mkdir", "mktemp"]
TOOLS += ["mv", "rm", "sed", "sleep", "sort", "touch"]
HAS_HANDMADE_NGSPICE = any(Path("/usr/local/lib").glob("libngspice*"))

# The environments' Python: a Poetry that notes its arguments, an ngspice that loads if its file is there, a pip
# that works, and the Python that runs these tests for all else.
PYTHON_STAND_IN = f"""#!/usr/bin/env bash
all=$*
case $all in
  *"-m poetry"*"env use"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  *"-m poetry"*)
    [[ ! -f interrupt.txt ]] || {{ trap 'exit 1' INT; touch waiting.txt; sleep 20; }}
    echo "poetry ${{all#*--no-interaction }}" >>calls.txt
    exit "$(cat poetry_exit_code.txt)"
    ;;
  *load_ngspice.py*) [[ -f $2 ]] || {{ echo "error: $2: cannot open" >&2; exit 1; }} ;;
  *"-m pip install"*) echo "pip ${{all##*--disable-pip-version-check }}" >>calls.txt ;;
  *"-m pip"*) ;;
  *) exec {sys.executable} "$@" ;;
esac
"""


@dataclass(frozen=True)
class Tree:
    """A copy of the repository's scripts, with stand-ins on the PATH."""

    root: Path

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    def stand_in(self, name: str, script: str) -> None:
        write_executable(self.bin / name, "#!/usr/bin/env bash\n" + script)

    def start(self, script: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        # A session of its own, so that a test can press Ctrl-C in it alone.
        return subprocess.Popen(
            [str(self.bin / "bash"), f"scripts/{script}", *arguments],
            cwd=self.root,
            env={"PATH": str(self.bin), "HOME": str(self.root), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        process = self.start(script, *arguments, **variables)
        stdout, stderr = finish(process)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def setup(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("setup.sh", *arguments, **variables)

    def calls(self, of: str = "") -> list[str]:
        """What the stand-ins (or those whose name begins so) were asked to do since this was last called."""
        notes = self.root / "calls.txt"
        lines = notes.read_text().splitlines() if notes.exists() else []
        notes.unlink(missing_ok=True)
        return [line for line in lines if line.startswith(of)]


def write_executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def error_line(result: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line on stderr of a script that ended with this exit code."""
    assert result.returncode == code, result
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A tree with Python and Poetry, but neither the packages nor an ngspice that is found by itself."""
    tree = Tree(tmp_path / "a folder with blanks")
    shutil.copytree(REPOSITORY / "scripts", tree.root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ["pyproject.toml", "poetry.lock"]:
        shutil.copy(REPOSITORY / name, tree.root)
    (tree.root / "poetry_exit_code.txt").write_text("0")
    (tree.root / "libngspice.so").touch()
    tree.bin.mkdir()
    for name in TOOLS:
        if tool := shutil.which(name):  # macOS has no flock
            (tree.bin / name).symlink_to(tool)
    tree.stand_in("python3.11", f'exec {sys.executable} "$@"\n')
    tree.stand_in("ldconfig", '[[ ! -f installed.txt ]] || echo "  libngspice.so.0 (libc6) => $PWD/libngspice.so"\n')
    tree.stand_in("id", "echo 1000\n")
    write_executable(tree.root / ".tools/poetry/bin/python", PYTHON_STAND_IN)
    return tree


@pytest.fixture
def ngspice(tree: Tree) -> dict[str, str]:
    """The variable that names a library which loads."""
    return {"NGSPICE_LIBRARY_PATH": str(tree.root / "libngspice.so")}


PACKAGES = ("common", "device_models", "analog_nmos", "aanntwin", "psa_resmlp", "corruption_study", "magnetoionic")


def test_sources_are_compiled(tree: Tree, ngspice: dict[str, str]) -> None:
    for name in PACKAGES:
        (tree.root / name).mkdir()
        (tree.root / name / "module.py").write_text("x = 1\n")
    done = tree.setup(**ngspice)
    assert done.returncode == 0, done
    assert "bytecode" not in done.stdout + done.stderr
    for name in PACKAGES:
        assert list((tree.root / name / "__pycache__").glob("module.*.pyc"))


def test_sources_that_cannot_be_compiled_are_a_remark(tree: Tree, ngspice: dict[str, str]) -> None:
    (tree.root / "common").mkdir()
    (tree.root / "common" / "module.py").write_text("x = (\n")
    done = tree.setup(**ngspice)
    assert (done.returncode, done.stderr) == (0, "")
    assert "== bytecode: some could not be written" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_sound_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK) == (script.name not in {"lib.sh", "ngspice.sh"})


@pytest.mark.parametrize("script", ["setup.sh", "demo.sh", "test.sh"])
def test_help_lists_the_options_and_does_nothing(tree: Tree, script: str) -> None:
    result = tree.run(script, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: bash scripts/{script}")
    options = {"setup.sh": ["--without-torch", "--private-ngspice"], "test.sh": ["--all"]}
    assert all(f"\n  {option} " in result.stdout for option in options.get(script, []))
    assert not tree.calls()
    assert not (tree.root / ".venv").exists()


@pytest.mark.parametrize("script", ["setup.sh", "demo.sh"])
def test_an_unknown_option_is_named_with_the_allowed_ones(tree: Tree, script: str) -> None:
    message = error_line(tree.run(script, "--whithout-torch"), code=2)
    assert "unknown option '--whithout-torch'; allowed" in message
    assert not tree.calls()


def test_a_second_setup_installs_nothing(tree: Tree, ngspice: dict[str, str]) -> None:
    assert tree.setup(**ngspice).returncode == 0
    assert tree.calls("poetry") == ["poetry install --compile"]
    second = tree.setup(**ngspice)
    assert second.returncode == 0
    assert "setup: complete" in second.stdout
    assert tree.calls() == []


def test_a_full_setup_holds_for_the_demo_but_not_the_other_way_round(tree: Tree, ngspice: dict[str, str]) -> None:
    tree.setup("--without-torch", **ngspice)
    assert tree.calls("poetry") == ["poetry install --compile --without torch,dev"]
    tree.setup("--without-torch", **ngspice)
    assert tree.calls() == []
    tree.setup(**ngspice)
    assert tree.calls("poetry") == ["poetry install --compile"]
    tree.setup("--without-torch", **ngspice)
    assert tree.calls() == []


def test_a_changed_lock_file_is_installed(tree: Tree, ngspice: dict[str, str]) -> None:
    tree.setup(**ngspice)
    with (tree.root / "poetry.lock").open("a") as lock:
        lock.write("# changed\n")
    tree.calls()
    tree.setup(**ngspice)
    assert tree.calls("poetry") == ["poetry install --compile"]


def test_a_failed_setup_is_repaired_by_the_next(tree: Tree, ngspice: dict[str, str]) -> None:
    (tree.root / "poetry_exit_code.txt").write_text("1")
    assert "poetry install failed" in error_line(tree.setup(**ngspice), code=1)
    (tree.root / "poetry_exit_code.txt").write_text("0")
    tree.calls()
    assert tree.setup(**ngspice).returncode == 0
    assert tree.calls("poetry") == ["poetry install --compile"]


def test_a_failed_install_is_tried_again_with_pips_index_unless_one_is_set(tree: Tree, ngspice: dict[str, str]) -> None:
    (tree.root / "poetry_exit_code.txt").write_text("1")
    tree.setup(**ngspice)
    assert tree.calls("poetry") == ["poetry install --compile", "poetry install --compile"]
    tree.setup(POETRY_PYPI_MIRROR_URL="https://mirror.invalid/simple", **ngspice)
    assert tree.calls("poetry") == ["poetry install --compile"]


def test_poetry_gets_its_mirror_plugin_when_a_mirror_is_named(tree: Tree, ngspice: dict[str, str]) -> None:
    tree.setup("--without-torch", **ngspice)
    [call] = tree.calls("pip")
    assert "poetry==" in call
    assert "poetry-plugin-pypi-mirror" not in call
    tree.setup(POETRY_PYPI_MIRROR_URL="https://mirror.invalid/simple", **ngspice)
    [call] = tree.calls("pip")
    assert "poetry-plugin-pypi-mirror==" in call


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="Ctrl-C is ignored in the background")
def test_ctrl_c_ends_a_setup_without_a_word_and_the_next_goes_on(tree: Tree, ngspice: dict[str, str]) -> None:
    (tree.root / "interrupt.txt").touch()
    setup = tree.start("setup.sh", **ngspice)
    wait_until((tree.root / "waiting.txt").exists, setup)
    os.killpg(setup.pid, signal.SIGINT)
    assert finish(setup, code=130)[1] == ""
    (tree.root / "interrupt.txt").unlink()
    assert tree.setup(**ngspice).returncode == 0


@pytest.mark.parametrize("damage", ["broken python", "moved tree"])
def test_an_unusable_environment_is_made_anew(tree: Tree, ngspice: dict[str, str], damage: str) -> None:
    tree.setup(**ngspice)
    tree.calls()
    (tree.root / ".venv/left-over").touch()
    if damage == "broken python":
        write_executable(tree.root / ".venv/bin/python", "#!/usr/bin/env bash\nexit 1\n")
    else:
        moved = Tree(tree.root.with_name("moved"))
        tree.root.rename(moved.root)
        tree, ngspice = moved, {"NGSPICE_LIBRARY_PATH": str(moved.root / "libngspice.so")}
    assert tree.setup(**ngspice).returncode == 0
    assert not (tree.root / ".venv/left-over").exists()
    assert tree.calls("poetry") == ["poetry install --compile"]


def test_no_python(tree: Tree, ngspice: dict[str, str]) -> None:
    (tree.bin / "python3.11").unlink()
    tree.stand_in("python3.12", "echo 'pyenv: python3.12: command not found' >&2; exit 127\n")
    assert "no Python 3.11 or 3.12 found; install one" in error_line(tree.setup(**ngspice), code=1)
    message = error_line(tree.setup(NONIDEAL_PYTHON="python9", **ngspice), code=1)
    assert "NONIDEAL_PYTHON is 'python9'" in message


def test_pythons_of_pyenv_are_found_when_none_is_on_the_path(tree: Tree, ngspice: dict[str, str]) -> None:
    (tree.bin / "python3.11").rename(tree.bin / "other")
    write_executable(tree.root / ".pyenv/versions/3.12.9/bin/python3", (tree.bin / "other").read_text())
    assert tree.setup(**ngspice).returncode == 0


def test_a_python_that_cannot_make_environments(tree: Tree, ngspice: dict[str, str]) -> None:
    shutil.rmtree(tree.root / ".tools/poetry")
    # Prints its own path, as find_python asks, and has no ensurepip, as Debian's has none at first.
    tree.stand_in("python3.11", '[[ $2 != *ensurepip* ]] && echo "$0"\n')
    assert "apt-get install python3-venv" in error_line(tree.setup(**ngspice), code=1)


def test_a_wrong_library_path_is_an_error(tree: Tree) -> None:
    message = error_line(tree.setup(NGSPICE_LIBRARY_PATH="/nowhere/libngspice.so"), code=1)
    assert "NGSPICE_LIBRARY_PATH names no usable library: /nowhere/libngspice.so" in message


def test_no_way_to_install_ngspice(tree: Tree) -> None:
    message = error_line(tree.setup("--private-ngspice"), code=1)
    assert "cannot install libngspice; install it (Debian and Ubuntu: apt-get install libngspice0" in message


@pytest.mark.skipif(HAS_HANDMADE_NGSPICE, reason="/usr/local/lib has an ngspice, which setup.sh finds")
@pytest.mark.parametrize("user", ["root", "sudo"])
def test_ngspice_comes_from_apt_for_root_and_sudo(tree: Tree, user: str) -> None:
    tree.stand_in("apt-get", 'echo "apt-get $*" >>calls.txt; [[ $* != *install* ]] || touch installed.txt\n')
    if user == "root":
        tree.stand_in("id", "echo 0\n")
    else:
        tree.stand_in("sudo", 'shift; [[ $1 == true ]] || { echo sudo >>calls.txt; "$@"; }\n')
    result = tree.setup()
    assert result.returncode == 0, result
    assert f"libngspice: {tree.root}/libngspice.so" in result.stdout
    calls = tree.calls()
    assert calls[-1] == "apt-get -qq -y --no-install-recommends install libngspice0"
    assert ("sudo" in calls) == (user == "sudo")
    tree.setup()
    assert tree.calls() == []


@pytest.mark.skipif(HAS_HANDMADE_NGSPICE, reason="/usr/local/lib has an ngspice, which setup.sh finds")
@pytest.mark.parametrize("lists", ["there", "missing"])
def test_ngspice_is_unpacked_without_root(tree: Tree, lists: str) -> None:
    tree.stand_in(
        "apt-get",
        f"""all=$*
[[ {lists} == there || $all == *Dir::State::Lists=* ]] || exit 100
case $all in
  *--simulate*) printf "Inst libfftw3 (3.3 Debian)\\nInst libc6 [1] (2 Debian)\\n" ;;
  *download*) echo "apt-get download ${{all#*download }}" >>"$HOME/calls.txt"; touch a.deb b.deb ;;
esac
""",
    )
    tree.stand_in("dpkg-deb", 'mkdir -p "$3/lib" && touch "$3/lib/libngspice.so.0"\n')
    result = tree.setup()
    assert result.returncode == 0, result
    assert tree.calls()[-1] == "apt-get download libfftw3 libngspice0"
    assert f"libngspice: {tree.root}/.tools/ngspice/lib/libngspice.so.0" in result.stdout
    assert (tree.root / ".tools/ngspice/preload.txt").exists()
    assert not list(tree.root.glob(".tools/unpack.*"))


def test_the_tests_get_the_arguments(tree: Tree, ngspice: dict[str, str]) -> None:
    tree.setup(**ngspice)
    note = '#!/usr/bin/env bash\n[[ $2 != pytest ]] || { printf "%s|" "$@" >>calls.txt; exit; }\n'
    stand_in = (tree.root / ".venv/bin/python").read_text()
    write_executable(tree.root / ".venv/bin/python", note + stand_in)
    tree.calls()
    for cores, workers in (("1", 0), ("2", 2), ("64", 8)):
        tree.stand_in("getconf", f"echo {cores}")
        tree.run("test.sh", "-x", "tests/common", **ngspice)
        words = f"-n|{workers}|--dist|worksteal"
        assert tree.calls() == [f"-m|pytest|-m|not slow and not long|{words}|-x|tests/common|"]
    tree.run("test.sh", "--all", "-n", "0", **ngspice)
    assert tree.calls() == [f"-m|pytest|-m|not long|{words}|-n|0|"]
