"""Every file that readers of runs and sweeps meet, damaged in seeded ways: one line at most, never a traceback."""

import contextlib
import json
import os
import random
import shutil
import signal
from types import SimpleNamespace

import pytest

import common.sweeps.run as engine
from common.browse.command import main as nonideal
from common.cli import run_command
from common.errors import InputError
from common.runs import Run, StopSignals, load_run, load_runs, load_sweep
from common.sweeps import RunSpec, run_sweep
from common.sweeps.pool import Event, PoolSize
from common.sweeps.worker import run_task

RUN_FILES = ("run_meta.json", "metrics.csv", "DONE", "run_spec.json", "run.lock")
SWEEP_FILES = ("manifest.json", "runspecs.jsonl", "status.jsonl", "summary.json", "results.csv", "launcher.json")
VALUES = (
    *(None, True, [], {}, "", "x", "\x00", -1, 0, 10**40, 1e308, [[[]]], {"a": {"b": 1}}, "2020-01-01T00:00:00"),
    *("../..", "a/b", ["a", 1], {"commit": 3, "dirty": []}, "running", "done", "x" * 300, 2**63, 0.5),
)
TEXTS = (
    *(b"", b"null", b"[]", b"{}", b"\n\n", b"\xff\xfe", b"\x00" * 40, b"NaN", b'"', b"{" * 100000, b"[" * 100000),
    *(b'{"config":' * 100000, b"epoch,epoch\n1,2\n", b"\xef\xbb\xbf{}", b"1" * 5000, b"a,b\n1\n1,2,3,4\n"),
)


class Here:
    """A pool without processes."""

    def __init__(self):
        self.news = []

    def size(self):
        return PoolSize(1, 0 if self.news else 1)

    def submit(self, task):
        self.news.append(Event("over", task.id, outcomes=tuple(run_task(task, lambda message: None))))

    def collect(self, timeout_s):
        news, self.news = self.news, []
        return news

    def kill(self, task_id):
        pass

    def stop(self, grace_s):
        return []

    def close(self):
        pass


def work(config, folder):
    with StopSignals() as signals, Run(folder, config, signals, echo=None) as run:
        for epoch in range(3):
            run.metrics({"epoch": epoch, "val_acc": epoch / 4})
        run.note(result={"final_val_acc": 0.5, "selected_val_acc": 0.75, "selected_epoch": 2})
    return {"final_val_acc": 0.5, "selected_val_acc": 0.5 + config["seed"] / 8}


def start(folder):
    specs = [RunSpec(seed, f"seed{seed}", {"seed": seed, "gamma": 0.1 * seed}) for seed in range(3)]
    return run_sweep(specs, folder, work, quiet=True, facts={"axes": {"seed": [0, 1, 2]}})


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    """A finished sweep, kept aside, and the place where it is damaged."""
    monkeypatch.setattr(engine, "_pool", lambda *_: contextlib.nullcontext(Here()))
    start(tmp_path / "whole")
    lock = {"host": "elsewhere", "pid": 1, "heartbeat": 0, "boot_id": "x", "token": "t"}
    (tmp_path / "whole" / "launcher.json").write_text(json.dumps(lock))
    for run in (tmp_path / "whole").glob("run_*"):
        (run / "run.lock").write_text(json.dumps(lock))
    return SimpleNamespace(whole=tmp_path / "whole", folder=tmp_path / "sweep")


def damage(path, rng):
    """Change a file in one of many ways."""
    data = path.read_bytes()
    path.unlink()
    kind, at = rng.randrange(10), rng.randrange(len(data))
    if kind == 0:
        return os.mkfifo(path)
    if kind == 1:
        return path.write_bytes(rng.choice(TEXTS))
    if kind == 2:
        return path.write_bytes(data[:at])
    if kind == 3:
        return path.write_bytes(data[:at] + bytes(rng.randrange(256) for _ in range(4)) + data[at + rng.randrange(8) :])
    if kind == 4:
        return path.write_bytes(data[:at] + data[at:].replace(rng.choice((b",", b":", b'"', b"\n")), b"", 1))
    if path.suffix == ".csv":
        cells = data.split(b",")
        cells[rng.randrange(len(cells))] = json.dumps(rng.choice(VALUES)).encode()
        return path.write_bytes(b",".join(cells))
    lines = data.decode().splitlines() if path.suffix == ".jsonl" else [data.decode()]
    number = rng.randrange(len(lines))
    value = json.loads(lines[number])
    _change(value, rng)
    lines[number] = json.dumps(value)
    return path.write_text("".join(line + "\n" for line in lines))


def _change(value, rng):
    name = rng.choice(list(value))
    if isinstance(value[name], dict) and value[name] and rng.random() < 0.5:
        _change(value[name], rng)
    elif rng.random() < 0.2:
        del value[name]
    else:
        value[name] = rng.choice(VALUES)


def read_all(folder, run):
    """Every reader; what it raises may only be an InputError of one line."""
    for read in (
        lambda: load_run(run).metrics,
        lambda: load_run(run).status,
        lambda: load_runs([run, *folder.glob("run_*")]),
        lambda: load_sweep(folder),
    ):
        said = ""
        try:
            read()
        except InputError as problem:
            said = str(problem)
        assert "\n" not in said
        assert len(said) < 600


def assert_one_line(code, capsys):
    _, err = capsys.readouterr()
    assert code in (0, 1, 2)
    assert err.count("\n") == (code != 0), err
    assert "Traceback" not in err
    assert len(err) < 700


@pytest.mark.parametrize("times", [8, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", [*RUN_FILES, *SWEEP_FILES])
def test_no_damage_to_a_file_ends_in_a_traceback(sweep, capsys, name, times):
    rng = random.Random(f"{name} {times}")
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("a reader hangs"))
    for _ in range(times):
        shutil.rmtree(sweep.folder, ignore_errors=True)
        shutil.copytree(sweep.whole, sweep.folder)
        run = sweep.folder / "run_0001_seed1"
        damage((run if name in RUN_FILES else sweep.folder) / name, rng)
        signal.alarm(60)
        read_all(sweep.folder, run)
        for words in (("runs", sweep.folder), ("show", run), ("table", sweep.folder, "--no-plots")):
            assert_one_line(nonideal([str(word) for word in words]), capsys)
        assert_one_line(run_command("sweep", lambda: start(sweep.folder) and 0), capsys)
        signal.alarm(0)
