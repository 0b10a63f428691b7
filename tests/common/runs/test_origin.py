"""Which version of the code a run was made by."""

import subprocess

import pytest

from common.runs.origin import COMMIT, git_version


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


def test_of_a_copy(tmp_path, monkeypatch):
    monkeypatch.delenv(COMMIT, raising=False)
    assert git_version(tmp_path) is None
    for text, found in (
        ("0123456789abcdef", {"commit": "0123456789abcdef", "dirty": False}),
        ("0123456789abcdef-dirty", {"commit": "0123456789abcdef", "dirty": True}),
        ("my code", None),
    ):
        monkeypatch.setenv(COMMIT, text)
        assert git_version(tmp_path) == found
