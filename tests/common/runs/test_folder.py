"""Names of run folders."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from common.errors import InputError
from common.runs.folder import META, existing_folder, new_folder
from common.runs.process import machine


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RUN_DIR", raising=False)


def test_default_place_and_latest_link():
    folder = new_folder("suite", "job", 3)
    assert re.fullmatch(r"results/suite/runs/\d{8}-\d{6}_job_seed-3", str(folder))
    assert Path("results/suite/latest").resolve() == folder.resolve()
    newer = new_folder("suite", "job", 4)
    assert Path("results/suite/latest").resolve() == newer.resolve()
    assert sorted(os.listdir("results/suite")) == ["latest", "runs"]


def test_runs_that_start_together_get_folders_of_their_own():
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: new_folder("suite", "job", 0), range(24)))
    assert len(set(folders)) == 24
    assert all(folder.is_dir() for folder in folders)


def test_run_dir_and_environment(monkeypatch):
    monkeypatch.setenv("RUN_DIR", "from/environment")
    assert new_folder("suite", "job", 0) == Path("from/environment")
    assert new_folder("suite", "job", 0, "from/option") == Path("from/option")
    assert not Path("results").exists()


def test_a_folder_with_a_run_in_it_is_refused():
    folder = new_folder("suite", "job", 0, "here")
    (folder / META).write_text("{}")
    with pytest.raises(InputError, match=r"holds a run already; .*--resume here"):
        new_folder("suite", "job", 0, "here")


@pytest.mark.parametrize("path", ["file", "file/below", "/proc/nothing/here"])
def test_what_cannot_be_a_folder_is_refused(path):
    Path("file").write_text("")
    with pytest.raises(InputError, match=rf"run folder {path}: "):
        new_folder("suite", "job", 0, path)
    assert os.listdir() == ["file"]


def test_something_else_named_latest_stays(tmp_path):
    Path("results/suite/latest").mkdir(parents=True)
    Path("results/suite/latest/mine").touch()
    assert new_folder("suite", "job", 0).is_dir()
    assert Path("results/suite/latest/mine").exists()


def test_existing_folder_needs_a_run():
    Path("empty").mkdir()
    with pytest.raises(InputError, match=r"run folder empty: no run_meta\.json"):
        existing_folder("empty")


def test_what_killed_processes_left_beside_the_link_and_in_the_folder_is_removed():
    gone = f"{machine()}-{2**22 + 1}"
    for name in (f"results/suite/.latest.{gone}.tmp", f"here/.probe.{gone}.tmp"):
        Path(name).parent.mkdir(parents=True)
        Path(name).symlink_to("nowhere")
    new_folder("suite", "job", 0)
    new_folder("suite", "job", 0, "here")
    assert sorted(os.listdir("results/suite")) == ["latest", "runs"]
    assert os.listdir("here") == []


def test_names_that_no_folder_can_have(monkeypatch):
    with pytest.raises(InputError, match="too long: a name has at most 255 bytes"):
        new_folder("suite", "job", 3, "x" * 256)
    monkeypatch.setenv("RUN_DIR", "y" * 5000)
    with pytest.raises(InputError, match="too long"):
        new_folder("suite", "job", 3)
