"""Sweeps over a user's own things: a file in the folder where the sweep is started is enough, here and on a cluster."""

import os
import subprocess
import sys

import pytest
from sweep_helpers import environment, rows
from waiting import finish, wait_until

START = "import sys, own_sweep; sys.exit(own_sweep.SWEEP.main())"
MINE = """
from own_sweep import Rule

class Half(Rule):
    factor = 0.5

class Double(Rule):
    factor = 2.0
"""


@pytest.fixture
def command():
    """Run own_sweep in a folder that is not on Python's path (-P), as installed commands do."""

    def run(folder, *words, code=0):
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *map(str, words)],
            cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        out, err = finish(process, code)
        return out + err

    return run


@pytest.fixture
def home(tmp_path):
    """The folder of a user's own module."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "mine.py").write_text(MINE)
    return folder


def test_a_sweep_finds_them_and_goes_on_from_another_folder(command, home, tmp_path):
    sweep = tmp_path / "sweep"
    (home / "grid.toml").write_text('rule = ["plain", "mine:Half"]\n')
    command(home, "--sweep-dir", sweep, "--grid", "grid.toml", "--limit", 1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command(elsewhere, "--sweep-dir", sweep, "--rule", "plain,mine:Half")
    assert [(row["run"], row["rule"], row["selected_val_acc"]) for row in rows(sweep)] == [
        ("run_0000_seed0_plain", "plain", "1.0"),
        ("run_0001_seed0_Half", "mine:Half", "0.5"),
    ]
    command(home, "--sweep-dir", sweep, "--rule", "plain,mine:Half,mine:Double")
    assert rows(sweep)[2]["selected_val_acc"] == "2.0"


def test_workers_of_a_cluster_that_run_elsewhere_find_them(command, home, start, tmp_path):
    file = tmp_path / "scheduler.json"
    os.makedirs(tmp_path / "away")
    options = ("--no-dashboard", "--scheduler-file", file)
    scheduler = start("--host", "127.0.0.1", "--port", 0, *options, module="distributed.cli.dask_scheduler")
    wait_until(file.exists, scheduler)
    start(*options, "--nthreads", 1, "--local-directory", tmp_path / "away", module="distributed.cli.dask_worker")
    command(home, "--sweep-dir", tmp_path / "sweep", "--scheduler-file", file, "--rule", "mine:Half,mine:Double")
    assert [row["selected_val_acc"] for row in rows(tmp_path / "sweep")] == ["0.5", "2.0"]


def test_help_and_messages_say_what_may_be_given(command, home):
    allowed = "plain, package.module:Name of your own"
    assert f"how to learn: {allowed}" in " ".join(command(home, "--help").split())
    wrong = command(home, "--rule", "plain,fancy", code=2)
    assert wrong == f"error: argument --rule: 'fancy' is not one of {allowed}\n"
    missing = command(home, "--rule", "mine:Third", code=2)
    assert missing == "error: argument --rule: rule mine:Third: no Third in mine\n"
