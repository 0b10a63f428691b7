"""A folder has one process: who is refused, whose place is taken over, and who must stop."""

import contextlib
import errno
import json
import multiprocessing
import os
import signal
import socket
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.errors import InputError
from common.runs import Run, StopSignals, lock
from common.runs.files import append_line, write_text
from common.runs.folder import new_folder
from common.runs.lock import FolderLock, FolderLost, Held, is_held, read_holder
from common.runs.process import is_alive, started, this_process

ELSEWHERE = {"host": "elsewhere", "boot_id": "another", "pid_namespace": "pid:[1]", "pid": 7, "pid_started": 70}


def put(folder, **facts):
    """A lock that another process holds, or held: `age_s` is the age of its last heartbeat."""
    age_s = facts.pop("age_s", 0)
    record = {**this_process(), "heartbeat": time.time() - age_s, "token": "theirs", **facts}
    (folder / "run.lock").write_text(json.dumps(record))


def test_the_second_is_refused_with_the_name_of_the_first_also_in_one_process(tmp_path):
    who = rf"process {os.getpid()} on {socket.gethostname()}"
    with FolderLock(tmp_path):
        assert is_held(tmp_path / "run.lock")
        refused = rf"run folder {tmp_path}: another process is at work on it \({who}\); stop that one or wait for it"
        with pytest.raises(Held, match=refused), FolderLock(tmp_path):
            pass
        with pytest.raises(Held, match=who):
            new_folder("suite", "job", 0, tmp_path)
    assert os.listdir(tmp_path) == []
    with FolderLock(tmp_path):
        pass


def hold(folder, ready):
    with FolderLock(folder, "launcher.json"):
        ready.set()
        time.sleep(100)


def test_the_place_of_a_killed_process_is_free_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold, args=(tmp_path, ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(Held, match=f"process {holder.pid} on "), FolderLock(tmp_path, "launcher.json"):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    while started(holder.pid):
        time.sleep(0.01)
    with FolderLock(tmp_path, "launcher.json"):  # its exit status has not been asked for
        assert read_holder(tmp_path / "launcher.json")["pid"] == os.getpid()
    holder.join()


HERE = this_process()


@pytest.mark.parametrize(
    ("facts", "alive"),
    [
        ({}, True),
        ({"age_s": 9e9}, True),  # a laptop that slept
        ({"host": "renamed"}, True),
        ({"pid_started": 1}, False),  # another process has its number
        ({"pid": 2**22 + 1}, False),
        ({"pid": "7"}, False),
        ({"pid_namespace": "pid:[1]", "age_s": 170}, True),  # another container on this machine
        ({"pid_namespace": "pid:[1]", "age_s": 190}, False),
        ({"boot_id": "before", "age_s": 170}, True),
        ({"boot_id": "before", "age_s": 190}, False),
        ({**ELSEWHERE, "age_s": 170}, True),
        ({**ELSEWHERE, "age_s": 190}, False),
        ({"boot_id": None, "pid_namespace": None, "pid_started": None}, True),  # not Linux
        ({"boot_id": None, "pid_namespace": None, "pid_started": None, "age_s": 190}, False),
        ({"boot_id": None, "pid_namespace": None, "pid_started": None, "pid": 2**22 + 1}, False),
        ({**ELSEWHERE, "heartbeat": "yesterday"}, False),
    ],
)
def test_who_is_alive(facts, alive):
    age_s = facts.get("age_s", 0)
    assert is_alive({**HERE, "heartbeat": time.time() - age_s, **facts}) == alive


def test_where_the_system_does_not_say_who_is_who(monkeypatch):
    """As on macOS: a number and a heartbeat."""
    monkeypatch.setattr("common.runs.process._boot_id", lambda: None)
    monkeypatch.setattr("common.runs.process._namespace", lambda: None)
    monkeypatch.setattr("common.runs.process.started", lambda pid: None)
    mine = this_process()
    assert mine["boot_id"] is mine["pid_started"] is None
    assert is_alive({**mine, "heartbeat": time.time()})
    assert not is_alive({**mine, "heartbeat": time.time() - 190})
    assert not is_alive({**mine, "pid": 2**22 + 1, "heartbeat": time.time()})


@pytest.mark.parametrize(("age_s", "free"), [(170, False), (190, True)])
def test_another_machine_shows_by_its_heartbeat(tmp_path, age_s, free):
    put(tmp_path, **ELSEWHERE, age_s=age_s)
    assert is_held(tmp_path / "run.lock") != free
    outcome = contextlib.nullcontext() if free else pytest.raises(Held, match="process 7 on elsewhere")
    with outcome, FolderLock(tmp_path):
        pass
    assert (tmp_path / "run.lock").exists() != free


@pytest.mark.parametrize(("host", "age_s", "free"), [("", 0, True), ("x", 10, False), ("x", 190, True)])
def test_launchers_of_earlier_versions(tmp_path, host, age_s, free):
    """They leave the file for ever, and hold it by a lock of the kernel; here a number that lives says nothing."""
    facts = {"host": host or socket.gethostname(), "pid": 1, "heartbeat": time.time() - age_s, "released": False}
    (tmp_path / "launcher.json").write_text(json.dumps(facts))
    assert is_held(tmp_path / "launcher.json") != free
    (tmp_path / "launcher.json").write_text(json.dumps({**facts, "released": True}))
    with FolderLock(tmp_path, "launcher.json"):
        pass


@pytest.mark.parametrize("links", [True, False])
def test_of_many_that_want_a_dead_ones_place_one_gets_it(tmp_path, monkeypatch, links):
    if not links:
        without_links(monkeypatch)
    start, end = threading.Barrier(6), threading.Barrier(6)

    def claim(_):
        own = FolderLock(tmp_path)
        start.wait()
        try:
            own.acquire()
        except Held:
            return False
        finally:
            end.wait()
        assert read_holder(tmp_path / "run.lock")["token"] == own._token
        own.release()
        return True

    with ThreadPoolExecutor(6) as pool:
        for _ in range(10):
            put(tmp_path, pid=2**22 + 1)
            assert sum(pool.map(claim, range(6))) == 1
            assert not [name for name in os.listdir(tmp_path) if name != "run.lock"]


def without_links(monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(lock.os, "link", refuse)


def test_a_file_server_that_makes_the_link_and_says_it_is_there(tmp_path, monkeypatch):
    link = os.link

    def twice(source, target):
        link(source, target)
        link(source, target)

    monkeypatch.setattr(lock.os, "link", twice)
    with FolderLock(tmp_path):
        assert is_held(tmp_path / "run.lock")


@pytest.mark.parametrize("content", ["", "[1]", '{"pid": ', "\xff", None])
def test_a_lock_that_cannot_be_read_is_judged_by_its_time(tmp_path, content):
    path = tmp_path / "run.lock"
    os.mkfifo(path) if content is None else path.write_text(content, encoding="latin-1")
    with pytest.raises(Held, match="another process is at work"), FolderLock(tmp_path):
        pass
    os.utime(path, (time.time() - 200,) * 2)
    with FolderLock(tmp_path):
        pass
    assert not path.exists()


def test_a_heartbeat_is_written_into_the_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "BEAT_S", 0.02)
    with FolderLock(tmp_path):
        first = read_holder(tmp_path / "run.lock")
        for _ in range(500):
            if read_holder(tmp_path / "run.lock")["heartbeat"] > first["heartbeat"]:
                break
            time.sleep(0.01)
        assert {**read_holder(tmp_path / "run.lock"), "heartbeat": 0} == {**first, "heartbeat": 0}


def test_a_process_that_lost_the_folder_writes_nothing_into_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "CHECK_S", 0)
    with (
        pytest.raises(FolderLost, match=r"was taken over by process 7 on elsewhere; this process stops") as stop,
        StopSignals() as signals,
        Run(tmp_path, {"seed": 1}, signals, echo=None) as run,
    ):
        run.metrics({"epoch": 1})
        put(tmp_path, **ELSEWHERE)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        for write in (
            lambda: run.metrics({"epoch": 2}),
            lambda: run.log("epoch 2"),
            lambda: run.note(result={}),
            lambda: write_text(tmp_path / "checkpoint", "2"),
            lambda: append_line(tmp_path / "new.csv", "2"),
        ):
            with pytest.raises(FolderLost):
                write()
        run.stop_if_asked()
    assert stop.value.exit_code == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_lock_that_was_removed_is_lost_too(tmp_path):
    with FolderLock(tmp_path) as own:
        (tmp_path / "run.lock").unlink()
        own._checked = 0
        with pytest.raises(FolderLost, match=r"its run\.lock was removed"):
            own.check()


def test_a_run_that_another_process_finished_meanwhile_is_left_alone(tmp_path):
    with StopSignals() as signals:
        late = Run(tmp_path, {}, signals, echo=None)
        with Run(tmp_path, {}, signals, echo=None):
            pass
        with pytest.raises(InputError, match="another process has just worked on it"), late:
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["run_meta.json"]


PROGRAM = """
import sys, time
from common.cli import run_command
from common.runs import Run, StopSignals
from common.runs.folder import new_folder

def work():
    folder = new_folder("suite", "job", 0, sys.argv[1])
    with StopSignals() as signals, Run(folder, {"seed": 0}, signals) as run:
        for epoch in range(int(sys.argv[2])):
            run.metrics({"epoch": epoch})
            run.log(f"epoch {epoch}")
            run.stop_if_asked()
            time.sleep(0.1)
    return 0

sys.exit(run_command("job", work))
"""


def test_of_two_that_start_in_one_folder_one_goes_on(python, tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    both = [python("program.py", "run", 20) for _ in range(2)]
    codes, errors = zip(*((process.wait(60), process.stderr.read()) for process in both), strict=True)
    assert sorted(codes) == [0, 2]
    winner = both[codes.index(0)]
    who = f"process {winner.pid} on {socket.gethostname()}"
    assert errors[codes.index(2)] == (
        f"error: run folder run: another process is at work on it ({who}); stop that one or wait for it\n"
    )
    assert (tmp_path / "run" / "train_log.txt").read_text() == "".join(f"epoch {epoch}\n" for epoch in range(20))


def test_a_process_that_slept_until_its_folder_was_anothers_stops_in_one_line(python, tmp_path):
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    process, folder = python("program.py", "run", 1000), tmp_path / "run"
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    time.sleep(lock.CHECK_S)
    (folder / "run.lock").unlink()
    put(folder, **ELSEWHERE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    process.send_signal(signal.SIGCONT)
    assert process.wait(10) == 1
    assert process.stderr.read() == (
        "job: run folder run: was taken over by process 7 on elsewhere; this process stops and leaves it alone\n"
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
