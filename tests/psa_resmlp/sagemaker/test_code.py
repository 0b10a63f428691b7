"""The archive of the code that jobs run, and the script that unpacks it."""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import container
import pytest

from common.runs.origin import git_version
from psa_resmlp.sagemaker.code import pack, requirements


@pytest.fixture
def channel(tmp_path):
    """<root>/input/data/code with the two files; returns the root."""
    code = tmp_path / "ml/input/data/code"
    code.mkdir(parents=True)
    for name, content in pack().files.items():
        (code / name).write_bytes(content)
    return tmp_path / "ml"


def begin(root, **environment):
    words = ["bash", str(root / "input/data/code/start.sh")]
    return subprocess.run(words, env=container.environment(**environment), capture_output=True, text=True)


def tool(folder, name, text):
    """A program that stands in for one of the image's."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{text}\n")
    (folder / name).chmod(0o755)


def test_the_same_code_gives_the_same_bytes():
    first, second = pack(), pack()
    assert first == second
    assert first.folder == f"code/{first.digest}"


def test_the_archive_runs_by_itself(tmp_path):
    with tarfile.open(fileobj=io.BytesIO(pack().files["code.tar.gz"])) as tar:
        names = tar.getnames()
        tar.extractall(tmp_path, filter="data")
    assert not [name for name in names if name.startswith(("tests", "results")) or name.endswith(".pyc")]
    program = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(tmp_path)!r})
import psa_resmlp.training.trainer
from common.runs.origin import git_version
from psa_resmlp.sagemaker.code import name_commit
name_commit()
print(json.dumps([psa_resmlp.training.trainer.__file__, git_version(Path({str(tmp_path)!r}))]))
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here = git_version(Path(__file__).parents[3])
    assert json.loads(done.stdout) == [str(tmp_path / "psa_resmlp/training/trainer.py"), here]


def test_requirements_are_those_of_the_project():
    found = requirements()
    assert [line.partition(">")[0] for line in found] == ["numba", "numpy", "rich", "safetensors", "scikit-learn"]
    assert all(">=" in line for line in found)


def test_an_image_without_torch_or_with_an_old_python(channel, tmp_path):
    tool(tmp_path / "old", "python", 'if [[ $1 == -V ]]; then echo "Python 3.9.1"; else exit 1; fi')
    done = begin(channel, PATH=f"{tmp_path / 'old'}:/usr/bin:/bin")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the image's Python is Python 3.9.1, and 3.11 or newer is needed")
    tool(tmp_path / "bare", "python", "[[ $2 == *version_info* ]]")
    done = begin(channel, PATH=f"{tmp_path / 'bare'}:/usr/bin:/bin")
    assert done.stderr == "error: the image has no torch; set TRAINING_IMAGE to one with torch\n"
    assert (channel / "output/failure").read_text() == done.stderr.removeprefix("error: ")


def test_a_damaged_archive_and_a_failing_pip(channel, tmp_path):
    archive = channel / "input/data/code/code.tar.gz"
    whole = archive.read_bytes()
    archive.write_bytes(whole[:1000])
    done = begin(channel)
    assert "error: code.tar.gz is damaged" in done.stderr
    archive.write_bytes(whole)
    tool(tmp_path / "offline", "python", "[[ $2 == -c || $1 == -c ]]")
    done = begin(channel, PATH=f"{tmp_path / 'offline'}:/usr/bin:/bin")
    assert "error: pip could not install numba" in done.stderr
    assert done.returncode == 1
