"""Every fault with real processes. After each: no run lost, none counted twice, the same results.csv."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from sweep_helpers import calls, environment, rows
from waiting import finish, stretched, wait_until

from common.runs.journal import read_events


def ends(folder):
    """How many lines of status.jsonl say that a run is done, by its index."""
    return Counter(event["index"] for event in read_events(folder) if event["event"] == "done")


def assert_undisturbed(folder, undisturbed):
    assert rows(folder) == undisturbed
    assert ends(folder) == dict.fromkeys(range(6), 1)
    assert not (folder / ".scratch").exists()
    assert not list(folder.glob("*/BEGUN"))
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["status"], summary["done"], summary["failed"]) == ("done", 6, 0)
    for run in folder.glob("run_*"):
        assert (run / "DONE").exists()
        assert not (run / "FAILED").exists()
        assert (run / "epochs.txt").read_text() == "xxx"  # no epoch was done twice


def test_dead_raising_and_hanging_runs_harm_nobody_else(sweep, tmp_path, undisturbed):
    faults = "die-once@0 die@1 fail@2 raise@3 hang@4"
    out, _ = sweep(tmp_path, "--run-timeout", 2, code=1, DEMO_FAULTS=faults)
    assert "2 of 6 runs done, 4 failed" in out
    assert calls(tmp_path) == {0: 2, 1: 2, 2: 1, 3: 1, 4: 1, 5: 1}
    kinds = {row["index"]: row["reason"] for row in rows(tmp_path) if row["status"] == "failed"}
    assert kinds == {
        "1": "its worker died twice (killed, or out of memory)",
        "2": "epoch 1: the loss is nan",
        "3": "KeyError: 'no such thing'",
        "4": "took longer than 2 s (--run-timeout)",
    }
    assert json.loads((tmp_path / "summary.json").read_text())["retries"] == 2
    failed = next(tmp_path.glob("run_0003*")) / "FAILED"
    assert "raise KeyError" in failed.read_text()
    assert "run 3" in failed.read_text()
    sweep(tmp_path, code=1)  # without being asked, nothing is repeated
    assert sum(calls(tmp_path).values()) == 8
    sweep(tmp_path, "--retry-failed")
    assert calls(tmp_path) == {0: 2, 1: 3, 2: 2, 3: 2, 4: 2, 5: 1}
    assert_undisturbed(tmp_path, undisturbed)


def test_a_killed_launcher_is_followed_by_another_and_two_at_once_are_refused(sweep, start, tmp_path, undisturbed):
    process = start("--sweep-dir", tmp_path, DEMO_SECONDS=1.5)
    wait_until(lambda: list(tmp_path.glob("*/epochs.txt")), process)
    _, err = sweep(tmp_path, code=2)
    assert err.count("\n") == 1
    assert f"another process is at work on it (process {process.pid} on " in err
    process.kill()
    process.wait()
    time.sleep(0.5)
    before = calls(tmp_path)
    assert rows(tmp_path)[0]["status"] == "waiting"
    sweep(tmp_path, "--quiet")
    assert before == {0: 1, 1: 1}
    assert calls(tmp_path) == {0: 2, 1: 2, 2: 1, 3: 1, 4: 1, 5: 1}
    assert_undisturbed(tmp_path, undisturbed)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_a_signal_stops_cleanly_and_the_next_start_goes_on(sweep, start, tmp_path, undisturbed, number, code):
    process = start("--sweep-dir", tmp_path, DEMO_SECONDS=0.5)
    wait_until(lambda: list(tmp_path.glob("*/epochs.txt")), process)
    os.killpg(process.pid, number)  # as a terminal and as Slurm do: all processes of the job get it
    began = time.monotonic()
    _, err = finish(process, code)
    assert time.monotonic() - began < stretched(10)
    assert err == f"demo-sweep: interrupted by {number.name}; 0 of 6 runs done; start it again to go on\n"
    assert json.loads((tmp_path / "summary.json").read_text())["status"] == "interrupted"
    assert not (tmp_path / ".scratch").exists()
    assert [event["event"] for event in read_events(tmp_path)][-3:] == ["interrupted", "interrupted", "stop"]
    sweep(tmp_path)
    assert calls(tmp_path) == {0: 2, 1: 2, 2: 1, 3: 1, 4: 1, 5: 1}
    assert_undisturbed(tmp_path, undisturbed)


def test_a_second_ctrl_c_ends_it_at_once(start, tmp_path):
    process = start("--sweep-dir", tmp_path, DEMO_FAULTS="hang@0 hang@1")
    wait_until(lambda: len(list(tmp_path.glob("met-*"))) == 2, process)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # what hangs is given some seconds
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, err = finish(process, code=130)
    assert time.monotonic() - began < stretched(1.5)
    assert err == "demo-sweep: stopped at once by a second SIGINT\n"
    pids = {int(line.split()[1]) for line in (tmp_path / "calls.txt").read_text().splitlines()}
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_full_disk_stops_the_sweep_with_one_line(sweep, tmp_path, undisturbed):
    _, err = sweep(tmp_path, code=1, DEMO_FAULTS="full@2")
    assert err.count("\n") == 1
    assert "No space left on device" in err
    assert not list(tmp_path.glob("*/FAILED"))
    sweep(tmp_path)
    assert_undisturbed(tmp_path, undisturbed)


@pytest.mark.slow
def test_a_file_system_that_fills_up(tmp_path, undisturbed):
    """A real one of 600 kB, in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    program = [sys.executable, "-m", "demo_sweep", "--sweep-dir", "small/sweep"]
    script = f"""
        set -e; mkdir small; mount -t tmpfs -o size=600k tmpfs small
        head -c 540k /dev/zero > small/filler
        set +e; {" ".join(program)} 2> first.txt; echo $? > first.code; set -e
        rm small/filler; {" ".join(program)}; cp -r small/sweep done
    """
    command = ["unshare", "-rm", "sh", "-c", script]
    finish(subprocess.Popen(command, cwd=tmp_path, env=environment()), code=0)
    assert (tmp_path / "first.code").read_text() == "1\n"
    first = (tmp_path / "first.txt").read_text()
    assert first.count("\n") == 1
    assert "No space left on device" in first
    assert_undisturbed(tmp_path / "done", undisturbed)


def without_privileges():
    """Before a child starts: root then meets the permissions of files like everybody else."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def make_theirs(folder, mode=0o755):
    if os.geteuid() == 0:
        os.chown(folder, 65534, 65534)
        folder.chmod(mode)
    else:
        folder.chmod(mode & 0o555 if mode & 0o55 else 0)


@pytest.mark.parametrize(("mode", "verb"), [(0o755, "written"), (0o700, "read")])
def test_another_users_folder_is_refused_in_one_line(start, tmp_path, mode, verb):
    make_theirs(tmp_path, mode)
    _, err = finish(start("--sweep-dir", tmp_path, preexec=without_privileges), code=2)
    name = "name another with --sweep-dir"
    assert err == f"error: sweep folder {tmp_path}: cannot be {verb} (Permission denied); {name}\n"


def test_another_users_run_folder_stops_the_sweep_in_one_line(start, tmp_path):
    theirs = tmp_path / "run_0001_seed1"
    theirs.mkdir()
    make_theirs(theirs)
    process = start("--sweep-dir", tmp_path, preexec=without_privileges)
    _, err = finish(process, code=1)
    assert err.count("\n") == 1
    assert f"Permission denied ({theirs}" in err


@pytest.mark.slow
def test_a_worker_that_takes_too_much_memory_is_restarted(tmp_path, monkeypatch):
    from common.sweeps import RunSpec, dask_cluster, run_sweep

    monkeypatch.setenv("DEMO_FAULTS", "greedy@0")
    monkeypatch.setattr(dask_cluster, "memory_limit", lambda workers: 400 * 2**20)
    specs = [RunSpec(seed, f"seed{seed}", {"seed": seed, "epochs": 3}) for seed in range(3)]
    ended = run_sweep(specs, tmp_path, "demo_sweep:train", workers=1, quiet=True)
    assert [ended[index].status for index in range(3)] == ["failed", "done", "done"]
    assert "out of memory" in ended[0].reason
    assert calls(tmp_path) == {0: 2, 1: 1, 2: 1}
