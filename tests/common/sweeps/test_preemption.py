"""Workers that get a signal to end: their runs stop after an epoch and go on elsewhere; no attempt is counted."""

import json
import os
import signal
import time

import pytest
from sweep_helpers import calls
from waiting import finish, wait_until

from common.runs.journal import read_events

WORKER = "distributed.cli.dask_worker"
LONG = ("--seed", "0", "--epochs", "12")


def epochs(folder):
    return [int(line) for path in folder.glob("run_*/epochs.txt") for line in path.read_text().split()]


def at_work(folder):
    """The process of the last call of the run."""
    return int((folder / "calls.txt").read_text().splitlines()[-1].split()[1])


def preempt(folder, process, *numbers):
    """Send each signal, twice as Slurm may, once the run has gone on for an epoch."""
    complete = 0
    for count, number in enumerate(numbers, 1):
        wait_until(lambda: (folder / "calls.txt").exists() and calls(folder)[0] == count)  # noqa: B023
        wait_until(lambda: len(epochs(folder)) > complete)  # noqa: B023
        complete = len(epochs(folder))
        pid = process() if process else at_work(folder)
        os.kill(pid, number)
        time.sleep(0.1)
        os.kill(pid, number)


def assert_nothing_was_lost(folder, launcher, times):
    assert finish(launcher, code=0)[1] == ""
    assert epochs(folder) == list(range(12))  # none twice, none left out
    assert calls(folder) == {0: times + 1}
    logs = "".join(path.read_text() for path in folder.glob("run_*/train_log.txt"))
    assert logs.count("interrupted by SIG") == times  # by themselves, after their epoch
    events = [event["event"] for event in read_events(folder)]
    assert (events.count("preempted"), events.count("retry"), events.count("failed")) == (times, 0, 0)
    assert json.loads((folder / "summary.json").read_text())["retries"] == 0


def test_local_workers(start, tmp_path):
    launcher = start("--sweep-dir", tmp_path, *LONG, DEMO_RUN="run", DEMO_SECONDS=0.3)
    preempt(tmp_path, None, signal.SIGTERM, signal.SIGUSR1, signal.SIGTERM)
    assert_nothing_was_lost(tmp_path, launcher, 3)


def test_a_function_that_handles_no_signals_is_stopped_at_once(start, tmp_path):
    launcher = start("--sweep-dir", tmp_path, "--seed", "0", DEMO_SECONDS=1)
    wait_until(lambda: list(tmp_path.glob("run_*/epochs.txt")), launcher)
    os.kill(at_work(tmp_path), signal.SIGTERM)
    assert finish(launcher, code=0)[1] == ""
    assert [path.read_text() for path in tmp_path.glob("run_*/epochs.txt")] == ["xxx"]
    assert "preempted" in [event["event"] for event in read_events(tmp_path)]


@pytest.mark.slow
@pytest.mark.parametrize("nanny", [True, False])
def test_workers_of_a_cluster_that_come_and_go(start, tmp_path, nanny):
    """As jobs of Slurm: the command `dask worker` gets the signal and another one is started."""
    file = tmp_path / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", file)
    wait_until(file.exists, start(*words, module="distributed.cli.dask_scheduler"))
    options = ("--scheduler-file", file, "--nthreads", 1, "--no-dashboard", "--local-directory", tmp_path / "scratch")
    options += () if nanny else ("--no-nanny",)
    workers = [start(*options, module=WORKER, DEMO_SECONDS=0.3)]

    def job():
        workers.append(start(*options, module=WORKER, DEMO_SECONDS=0.3))
        return workers[-2].pid

    folder = tmp_path / "sweep"
    launcher = start("--sweep-dir", folder, *LONG, "--scheduler-file", file, DEMO_RUN="run")
    preempt(folder, job, signal.SIGTERM, signal.SIGUSR1, signal.SIGTERM)
    assert_nothing_was_lost(folder, launcher, 3)
    for worker in workers[:3]:
        finish(worker)
