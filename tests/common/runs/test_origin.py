"""Which version of the code a run was made by."""

import json
import subprocess

import pytest

from common.runs.origin import GIT_FILE, git_version


@pytest.fixture
def checkout(tmp_path):
    def git(*words):
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        return subprocess.run(["git", "-C", tmp_path, *name, *words], check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    (tmp_path / "code.py").write_text("1\n")
    git("add", "code.py")
    git("commit", "-qm", "first")
    return tmp_path, git("rev-parse", "HEAD").strip()


def test_of_a_checkout(checkout):
    tree, commit = checkout
    assert git_version(tree) == {"commit": commit, "dirty": False}
    (tree / "code.py").write_text("2\n")
    assert git_version(tree) == {"commit": commit, "dirty": True}


def test_of_a_copy(checkout, tmp_path_factory):
    tree, commit = checkout
    copy = tmp_path_factory.mktemp("copy")
    assert git_version(copy) is None
    (copy / GIT_FILE).write_text(json.dumps(git_version(tree)))
    assert git_version(copy) == {"commit": commit, "dirty": False}
    for damaged in ("{", "[]", '{"commit": "x"}'):
        (copy / GIT_FILE).write_text(damaged)
        assert git_version(copy) is None
