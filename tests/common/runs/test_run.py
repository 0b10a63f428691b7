"""A run's status, metrics and signals, and what readers make of them."""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from waiting import finish, wait_until

from common.errors import InputError, Interrupted, RunError
from common.inputs import read_bytes
from common.runs import Run, StopSignals, load_run, load_runs, metrics
from common.runs.files import write_array
from common.runs.lock import FolderLock

ROOT = Path(__file__).parents[3]

CONFIG = {"seed": 5, "gamma": 0.3}


def record(folder, **changes):
    folder.mkdir(exist_ok=True)
    with StopSignals() as signals, Run(folder, CONFIG, signals, echo=None):
        pass
    return record_again(folder, **changes)


def record_again(folder, **changes):
    meta = json.loads((folder / "run_meta.json").read_text()) | changes
    (folder / "run_meta.json").write_text(json.dumps(meta))
    return load_run(folder)


def test_a_run_that_ends_well(tmp_path):
    with StopSignals() as signals, Run(tmp_path, CONFIG, signals, echo=None, facts={"job": "x"}) as run:
        meta = load_run(tmp_path).meta
        assert (meta["status"], meta["pid"], meta["host"]) == ("running", os.getpid(), socket.gethostname())
        run.log("epoch 1")
        run.metrics({"epoch": 1, "acc": 0.25})
        run.metrics({"epoch": 2, "acc": 1 / 3})
        run.note(result=0.5)
        write_array(tmp_path / "v.npy", np.arange(3))
    done = load_run(tmp_path)
    assert (done.status, done.meta["result"], done.meta["job"], done.config) == ("done", 0.5, "x", CONFIG)
    assert done.meta["schema_version"] == 1
    assert done.meta["packages"]["numpy"] == np.__version__
    assert done.metrics["acc"].tolist() == [0.25, 0.3333333333]
    assert done.array("v").tolist() == [0, 1, 2]
    assert (tmp_path / "train_log.txt").read_text() == "epoch 1\n"
    with pytest.raises(InputError, match=r"no array w\.npy"):
        done.array("w")


def test_a_run_that_fails_says_why(tmp_path):
    with pytest.raises(RunError), StopSignals() as signals, Run(tmp_path, CONFIG, signals, echo=None):
        raise RunError("epoch 2: loss is\nnan")
    failed = load_run(tmp_path)
    assert (failed.status, failed.meta["reason"]) == ("failed", "epoch 2: loss is nan")
    assert (tmp_path / "train_log.txt").read_text() == "failed: epoch 2: loss is nan\n"


def test_the_first_outcome_counts(tmp_path):
    with pytest.raises(RunError), StopSignals() as signals, Run(tmp_path, CONFIG, signals, echo=None) as run:
        run.finish()
        raise RunError("another replica failed")
    assert load_run(tmp_path).status == "done"


@pytest.mark.parametrize(
    ("problem", "status"), [(None, "done"), (RunError("broken"), "failed"), (Interrupted("stopped", 15), "interrupted")]
)
def test_what_comes_before_the_end_does_so_however_a_run_ends(tmp_path, problem, status):
    seen = []
    ends = contextlib.suppress(RunError, Interrupted)
    with ends, StopSignals() as signals, Run(tmp_path, CONFIG, signals, echo=None) as run:
        run.before_end(lambda: seen.append(load_run(tmp_path).status))
        if problem is not None:
            raise problem
    assert seen == ["running"]
    assert load_run(tmp_path).status == status


def test_a_run_whose_last_files_cannot_be_written_is_not_done(tmp_path):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    fails = pytest.raises(OSError, match="No space left")
    with fails, StopSignals() as signals, Run(tmp_path, CONFIG, signals, echo=None) as run:
        run.before_end(full)
    assert load_run(tmp_path).status == "failed"


def test_resuming_keeps_the_start_and_adds_a_time(tmp_path):
    first = record(tmp_path, started="2020-01-01T00:00:00+00:00")
    again = record(tmp_path)
    assert again.meta["started"] == first.meta["started"]
    assert len(again.meta["resumed"]) == 1


def test_metrics_keep_their_columns_and_can_be_cut(tmp_path):
    for epoch in range(4):
        metrics.append_rows(tmp_path, [{"epoch": epoch, "note": "a,b"}])
    with pytest.raises(RunError, match=r"its columns \(epoch,note\) are not those of this run \(epoch,other\)"):
        metrics.append_rows(tmp_path, [{"epoch": 4, "other": 1}])
    metrics.keep_rows(tmp_path, 2)
    assert (tmp_path / "metrics.csv").read_text() == 'epoch,note\n0,"a,b"\n1,"a,b"\n'


def test_rows_are_appended_together_or_not_at_all(tmp_path):
    metrics.append_rows(tmp_path, [])
    assert list(tmp_path.iterdir()) == []
    metrics.append_rows(tmp_path, [{"epoch": 0, "acc": 1 / 3}, {"epoch": 1, "acc": float("nan")}])
    for wrong in ({"epoch": 3, "other": 1}, {"acc": 1, "epoch": 3}):
        with pytest.raises(RunError, match=r"its columns \(epoch,acc\) are not those of this run"):
            metrics.append_rows(tmp_path, [{"epoch": 2, "acc": 0.5}, wrong])
    with open(tmp_path / "metrics.csv", "a") as stream:
        stream.write("2,0.")  # torn by a kill
    metrics.append_rows(tmp_path, [{"epoch": 2, "acc": 0.5}, {"epoch": 3, "acc": 1}])
    assert (tmp_path / "metrics.csv").read_text() == "epoch,acc\n0,0.3333333333\n1,nan\n2,0.5\n3,1\n"


def test_the_rows_before_are_not_read_for_another_one(tmp_path, monkeypatch):
    for epoch in range(3000):
        metrics.append_rows(tmp_path, [{"epoch": epoch, "note": "long" * 20}])
    read = []
    monkeypatch.setattr(
        metrics, "read_bytes", lambda *words, first: read.append(first) or read_bytes(*words, first=first)
    )
    metrics.append_rows(tmp_path, [{"epoch": 3000, "note": ""}])
    assert read == [metrics.HEADER_BYTES] < [(tmp_path / "metrics.csv").stat().st_size]
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 3002


def test_a_torn_row_is_left_out(tmp_path):
    record(tmp_path)
    (tmp_path / "metrics.csv").write_text("epoch,acc\n0,0.5\n1,0.")
    assert load_run(tmp_path).metrics["epoch"].tolist() == [0]


def test_dead_runs_show_as_dead(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    assert record(tmp_path, status="running", pid=gone.pid).status == "dead"
    assert record(tmp_path, status="running", pid=os.getpid()).status == "running"
    assert record(tmp_path, status="running", pid=os.getpid(), pid_started=1).status == "dead"  # its number came again
    old = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    there = {"status": "running", "host": "elsewhere", "boot_id": "another"}
    assert record(tmp_path, **there, heartbeat=old).status == "dead"
    fresh = datetime.now(UTC).isoformat()
    assert record(tmp_path, **there, heartbeat=fresh, pid=gone.pid).status == "running"
    with FolderLock(tmp_path):  # a long epoch: its thread says that it lives
        assert record_again(tmp_path, heartbeat=old).status == "running"


def test_runs_of_earlier_versions_are_judged_by_number_and_host(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    for pid, host, minutes, status in (
        (gone.pid, socket.gethostname(), 0, "dead"),
        (os.getpid(), socket.gethostname(), 60, "running"),
        (gone.pid, "elsewhere", 9, "running"),
        (gone.pid, "elsewhere", 11, "dead"),
    ):
        beat = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
        meta = {"status": "running", "config": {}, "pid": pid, "host": host, "heartbeat": beat}
        (tmp_path / "run_meta.json").write_text(json.dumps(meta))
        assert load_run(tmp_path).status == status


def test_a_table_of_runs(tmp_path):
    for seed in range(3):
        folder = tmp_path / f"run_{seed}"
        folder.mkdir()
        with StopSignals() as signals, Run(folder, {"seed": seed}, signals, echo=None) as run:
            for epoch in range(seed):
                run.metrics({"epoch": epoch, "acc": epoch / 2})
    (tmp_path / "run_empty").mkdir()
    table = load_runs(str(tmp_path / "run_*"))
    assert table["run"].tolist() == ["run_0", "run_1", "run_2"]
    assert table["seed"].tolist() == [0, 1, 2]
    assert table["final_acc"].isna().tolist() == [True, False, False]
    assert table["final_acc"].iloc[2] == 0.5
    assert len(load_runs(str(tmp_path / "nothing*"))) == 0


def test_damaged_meta_is_named(tmp_path):
    (tmp_path / "run_meta.json").write_text('{"config": ')
    with pytest.raises(InputError, match=r"run folder .*/run_meta\.json: is not JSON"):
        load_run(tmp_path)
    (tmp_path / "run_meta.json").write_text("{}")
    with pytest.raises(InputError, match="describes no run"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("number", "in_epoch"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGUSR1, False)]
)
def test_signals_stop_where_they_should(tmp_path, number, in_epoch):
    with pytest.raises(Interrupted) as stop, StopSignals() as signals, Run(tmp_path, CONFIG, signals, echo=None) as run:
        os.kill(os.getpid(), number)
        stopped_in_epoch = True
        run.beat()  # Ctrl-C stops here
        stopped_in_epoch = False
        run.stop_if_asked()
    assert stopped_in_epoch == in_epoch
    assert stop.value.exit_code == 128 + number
    assert f"--resume {tmp_path}" in str(stop.value)
    assert load_run(tmp_path).status == "interrupted"


def test_grace_ends(tmp_path):
    with (
        pytest.raises(Interrupted),
        StopSignals(grace_s=0.05) as signals,
        Run(tmp_path, CONFIG, signals, echo=None) as run,
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        run.beat()
        time.sleep(0.06)
        run.beat()
        pytest.fail("the time of grace was over")


def test_handlers_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_second_signal_ends_the_process():
    program = """
        import time
        from common.runs import StopSignals
        with StopSignals():
            print("ready", flush=True)
            while True:
                time.sleep(0.05)
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE)
    child.stdout.readline()
    child.terminate()
    time.sleep(0.2)
    assert child.poll() is None
    child.terminate()
    finish(child, code=-signal.SIGTERM)


def test_a_bad_time_of_grace_is_refused(monkeypatch):
    monkeypatch.setenv("NONIDEAL_GRACE_S", "long")
    with pytest.raises(InputError, match="NONIDEAL_GRACE_S='long'"):
        StopSignals()


EPOCHS = """
import sys, time
from common.progress import Progress
from common.inputs import read_bytes
from common.runs import Run, StopSignals
epochs = int(sys.argv[1])
with StopSignals() as signals, Progress(epochs) as progress, Run(Path("run"), {}, signals, echo=progress.echo) as run:
    for epoch in range(epochs):
        run.metrics({"epoch": epoch})
        run.log(f"epoch {epoch}")
        progress.advance()
        run.stop_if_asked()
        time.sleep(0.02)
"""


def on_a_terminal(tmp_path, epochs, *prefix):
    """EPOCHS as the leading process of a terminal of its own, which is closed after some epochs."""
    (tmp_path / "run").mkdir()
    program = f"from pathlib import Path\nimport fcntl, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\n{EPOCHS}"
    master, terminal = os.openpty()
    words = [*prefix, sys.executable, "-c", program, str(epochs)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        words, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
    )
    os.close(terminal)
    wait_until((tmp_path / "run" / "train_log.txt").exists, child)
    os.close(master)
    finish(child)
    return load_run(tmp_path / "run")


def test_closing_the_terminal_interrupts_a_run(tmp_path):
    record = on_a_terminal(tmp_path, 20_000)
    assert (record.status, record.meta["reason"]) == ("interrupted", "interrupted by SIGHUP; go on with --resume run")
    assert len(record.metrics) < 20_000


def test_under_nohup_a_run_goes_on_when_the_terminal_is_closed(tmp_path):
    record = on_a_terminal(tmp_path, 100, "sh", "-c", 'trap "" HUP; exec "$@" > out.txt 2>&1', "sh")
    assert (record.status, len(record.metrics)) == ("done", 100)


def test_sighup_never_ends_a_process_at_once():
    with StopSignals(grace_s=60) as signals:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert signals.received == signal.SIGTERM
        assert not signals.overdue
