"""A real cluster: a scheduler and two workers, each a process that knows nothing of the launcher."""

import os
import signal
import socket

import pytest
from sweep_helpers import calls, rows
from waiting import finish, wait_until

from common.errors import InputError
from common.runs.journal import read_events
from common.sweeps import RunSpec, run_sweep

WORKER = "distributed.cli.dask_worker"


@pytest.fixture
def scheduler(start, tmp_path):
    """A running scheduler, and its file."""
    file = tmp_path / "scheduler.json"
    words = ("--host", "127.0.0.1", "--port", 0, "--no-dashboard", "--scheduler-file", file)
    process = start(*words, module="distributed.cli.dask_scheduler")
    wait_until(file.exists, process)
    return process, file


@pytest.fixture
def cluster(scheduler, start, tmp_path, request):
    """The scheduler's file and two workers; a parameter names their faults, as demo_sweep reads them."""
    file = scheduler[1]
    options = ("--scheduler-file", file, "--nthreads", 1, "--no-dashboard", "--local-directory", tmp_path / "scratch")
    environment = {"DEMO_SECONDS": 0.2, "DEMO_FAULTS": getattr(request, "param", "")}
    workers = [start(*options, "--no-nanny", module=WORKER, **environment) for _ in range(2)]
    return file, workers


def test_a_sweep_goes_on_when_a_worker_of_the_cluster_is_killed(cluster, start, tmp_path, undisturbed):
    file, workers = cluster
    folder = tmp_path / "sweep"
    launcher = start("--sweep-dir", folder, "--scheduler-file", file)
    wait_until(lambda: _begun(folder) >= 2, launcher, *workers)
    victim = int((folder / "calls.txt").read_text().split()[1])
    assert victim in [worker.pid for worker in workers]
    os.kill(victim, signal.SIGKILL)
    assert finish(launcher, code=0)[1] == ""
    assert rows(folder) == undisturbed
    assert sorted(calls(folder).values()) == [1, 1, 1, 1, 1, 2]
    assert [event["event"] for event in read_events(folder)].count("retry") == 1
    assert sum(worker.poll() is None for worker in workers) == 1  # the other one is left for the next sweep


@pytest.mark.slow
def test_runs_that_a_dead_launcher_left_running_are_stopped_first(cluster, start, sweep, tmp_path, undisturbed):
    file, workers = cluster
    folder = tmp_path / "sweep"
    first = start("--sweep-dir", folder, "--scheduler-file", file)
    wait_until(lambda: _begun(folder) >= 2, first, *workers)
    first.kill()
    first.wait()
    sweep(folder, "--scheduler-file", file)
    assert rows(folder) == undisturbed
    assert [path.read_text() for path in folder.glob("run_*/epochs.txt")] == ["xxx"] * 6
    assert all(worker.poll() is None for worker in workers)


def test_an_address_without_a_scheduler_is_one_line(tmp_path, monkeypatch):
    from common.sweeps import dask_cluster

    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.5)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(InputError, match=f"--scheduler {address}: no scheduler answers there"):
            run_sweep([RunSpec(0, "a", {})], tmp_path / "a", "demo_sweep:train", scheduler=address, quiet=True)
    missing = tmp_path / "missing.json"
    with pytest.raises(InputError, match=r"missing\.json: no such file"):
        run_sweep([RunSpec(0, "a", {})], tmp_path / "b", "demo_sweep:train", scheduler_file=missing, quiet=True)


@pytest.mark.slow
def test_workers_with_several_threads_are_refused(scheduler, start, tmp_path):
    file = scheduler[1]
    start("--scheduler-file", file, "--nthreads", 2, "--no-dashboard", module=WORKER)
    process = start("--sweep-dir", tmp_path / "sweep", "--scheduler-file", file)
    _, err = finish(process, code=2)
    assert "has 2 threads; start workers with --nthreads 1" in err


@pytest.mark.slow
@pytest.mark.parametrize("cluster", ["hang@0 hang@1"], indirect=True)  # so that the sweep does not end before
def test_a_scheduler_that_dies_is_one_line_and_fails_no_run(scheduler, cluster, start, tmp_path):
    folder = tmp_path / "sweep"
    launcher = start("--sweep-dir", folder, "--scheduler-file", scheduler[1])
    wait_until(lambda: _begun(folder) >= 2, launcher)
    scheduler[0].kill()
    _, err = finish(launcher, code=1)
    assert err.startswith("error: the scheduler is gone; start the same sweep again to go on")
    assert err.count("\n") == 1
    assert not list(folder.glob("*/FAILED"))


@pytest.mark.parametrize("cluster", ["hang@0 hang@1"], indirect=True)  # so that the sweep does not end before
def test_a_signal_to_scheduler_and_launcher_stops_the_sweep_and_is_no_failure(scheduler, cluster, start, tmp_path):
    """As Slurm sends it to all processes of a job that is cancelled."""
    folder = tmp_path / "sweep"
    launcher = start("--sweep-dir", folder, "--scheduler-file", scheduler[1])
    wait_until(lambda: _begun(folder) >= 2, launcher)
    launcher.send_signal(signal.SIGSTOP)  # so that the scheduler is gone before the launcher looks
    scheduler[0].kill()
    scheduler[0].wait()
    launcher.send_signal(signal.SIGTERM)
    launcher.send_signal(signal.SIGCONT)
    _, err = finish(launcher, code=143)
    assert err == "demo-sweep: interrupted by SIGTERM; 0 of 6 runs done; start it again to go on\n"
    events = [event["event"] for event in read_events(folder)]
    assert events[-3:] == ["interrupted", "interrupted", "stop"]


@pytest.mark.slow
def test_a_run_that_hangs_on_the_cluster_ends_with_its_worker_and_no_other(scheduler, start, tmp_path, undisturbed):
    """With a nanny the worker comes back; without one it gets no more work. Here one of each."""
    file = scheduler[1]
    words = ("--scheduler-file", file, "--nthreads", 1, "--no-dashboard", "--local-directory", tmp_path / "scratch")
    faults = {"DEMO_FAULTS": "hang@0 hang@1"}
    start(*words, module=WORKER, **faults)
    start(*words, "--no-nanny", module=WORKER, **faults)
    process = start("--sweep-dir", tmp_path / "sweep", "--scheduler-file", file, "--run-timeout", 2)
    assert finish(process, code=1)[1] == ""
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["failed"] * 2 + ["done"] * 4
    assert rows(tmp_path / "sweep")[2:] == [{**row, "reason": ""} for row in undisturbed[2:]]


def _begun(folder):
    """How many runs have trained an epoch: never awaited as an equal, since two may begin between two looks."""
    return len(list(folder.glob("run_*/epochs.txt")))
