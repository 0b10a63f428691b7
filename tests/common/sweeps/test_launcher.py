"""The loop with a pool that says what a test wants: no process is started here. And what a worker does with a task."""

import contextlib
import os
import threading
import time
from types import SimpleNamespace

import pytest

import common.sweeps.run as engine
from common.errors import InputError, RunError
from common.runs import lock
from common.runs.journal import Journal, read_events
from common.runs.lock import FolderLock, FolderLost
from common.runs.outcome import read_outcome, write_outcome
from common.sweeps import Outcome, RunSpec, run_sweep, worker
from common.sweeps.display import Display
from common.sweeps.groups import Waiting
from common.sweeps.halt import halt
from common.sweeps.launcher import Launcher
from common.sweeps.pool import Event, PoolSize
from common.sweeps.results import Results
from common.sweeps.worker import Task, run_task


def specs(count, group=""):
    return [RunSpec(index, f"seed{index}", {"seed": index, "epochs": 3}, {}, group) for index in range(count)]


class Script:
    """A pool of two workers; `answer(task)` gives the events of each task, when it is asked next."""

    def __init__(self, answer):
        self.answer, self.news, self.tasks, self.killed = answer, [], [], []

    def size(self):
        return PoolSize(2, 2 - len({event.task for event in self.news}))

    def submit(self, task):
        self.tasks.append([spec.index for spec in task.specs])
        self.news += self.answer(task)

    def collect(self, timeout_s):
        news, self.news = self.news, []
        return news

    def kill(self, task_id):
        self.killed.append(task_id)
        self.news.append(Event("lost", task_id))

    def stop(self, grace_s):
        return []


@pytest.fixture
def launch(tmp_path):
    def run(todo, answer, **more):
        pool, results = Script(answer), Results(tmp_path, todo, "acc", {})
        for spec in todo:
            (tmp_path / spec.folder).mkdir(exist_ok=True)
        make = lambda name, group: Task(name, str(tmp_path), "m:f", True, group)  # noqa: E731
        quiet, lock = Display(results, len(todo), quiet=True), SimpleNamespace(check=lambda: None)
        signals = SimpleNamespace(received=None)
        launcher = Launcher(tmp_path, todo, make, pool, results=results, journal=Journal(tmp_path), lock=lock,
                            display=quiet, stopping=signals, **more)  # fmt: skip
        launcher.work()
        return pool, results, launcher

    return run


def ends_well(task, *, died_after=None):
    indices = tuple(spec.index for spec in task.specs)
    outcomes = tuple(Outcome(index, "done", 0.01, {"acc": index}) for index in indices)
    return [Event("start", task.id, indices), Event("over", task.id, outcomes=outcomes)]


def test_replicas_travel_together_and_shrink_towards_the_end(launch):
    pool, results, _ = launch(specs(20, "g"), ends_well, replicas=8)
    assert [len(task) for task in pool.tasks] == [8, 6, 3, 2, 1]
    assert results.count("done") == 20
    assert results.best()[1].index == 19


def test_short_runs_without_replicas_are_grouped_once_their_time_is_known():
    waiting = Waiting(specs(1000))
    assert len(waiting.take(2)) == 1
    waiting.measured(2.0)
    assert len(waiting.take(2)) == 3
    waiting.measured(0.0)
    waiting.measured(0.01)
    assert len(waiting.take(2)) == 8
    slow = Waiting(specs(10))
    slow.measured(3600.0)
    assert len(slow.take(2)) == 1


def test_groups_hold_only_runs_that_fit_and_keep_the_order():
    mixed = [RunSpec(index, str(index), {}, {}, "ab"[index % 2]) for index in range(10)]
    waiting = Waiting(mixed, replicas=3)
    assert [[spec.index for spec in waiting.take(1)] for _ in range(2)] == [[0, 2, 4], [1, 3, 5]]
    waiting.back(mixed[:1], alone=True)
    assert [spec.index for spec in waiting.take(1)] == [0]
    assert [spec.index for spec in waiting.take(1)] == [6, 8]


def test_of_replicas_whose_worker_died_each_is_tried_alone_and_only_once_more(launch, tmp_path):
    def answer(task):
        indices = tuple(spec.index for spec in task.specs)
        if 2 in indices:
            return [Event("start", task.id, indices), Event("lost", task.id)]
        return ends_well(task)

    pool, results, launcher = launch(specs(6, "g"), answer, replicas=3)
    assert pool.tasks == [[0, 1, 2], [3, 4], [0], [1], [2], [5]]
    assert [results.ended[index].status for index in range(6)] == ["done", "done", "failed", "done", "done", "done"]
    assert read_outcome(tmp_path / "run_0002_seed2").kind == "lost"
    assert launcher.retries == 3
    events = [event["index"] for event in read_events(tmp_path) if event["event"] == "retry"]
    assert events == [0, 1, 2]


def test_a_start_whose_news_died_with_the_worker_counts_by_its_file(launch, tmp_path):
    def answer(task):
        if task.specs[0].index == 0:
            (tmp_path / "run_0000_seed0" / "BEGUN").write_text(f"{task.id}\n")
            return [Event("lost", task.id)]
        return ends_well(task)

    pool, results, _ = launch(specs(2), answer)
    assert pool.tasks == [[0], [1], [0]]
    assert results.ended[0].kind == "lost"


def test_runs_that_a_dead_worker_had_not_begun_just_wait_again(launch):
    lost = []

    def answer(task):
        indices = [spec.index for spec in task.specs]
        if len(indices) > 2 and not lost:
            lost.append(task.id)
            first = Outcome(indices[0], "done", 0.01)
            return [Event("start", task.id, (indices[0],)), Event("end", task.id, outcomes=(first,)),
                    Event("start", task.id, (indices[1],)), Event("lost", task.id)]  # fmt: skip
        return ends_well(task)

    _, results, launcher = launch(specs(12), answer)
    assert lost
    assert launcher.retries == 1
    assert results.count("done") == 12


def test_a_hanging_lane_is_found_by_trying_each_alone(launch):
    def answer(task):
        indices = tuple(spec.index for spec in task.specs)
        return [Event("start", task.id, indices)] if 1 in indices else ends_well(task)

    pool, results, launcher = launch(specs(2, "g"), answer, replicas=2, run_timeout_s=0.02)
    assert [results.ended[0].status, results.ended[1].status] == ["done", "failed"]
    assert "took longer than 0.02 s" in results.ended[1].reason
    assert launcher.retries == 0
    assert pool.killed


def test_a_full_disk_stops_everything(launch):
    def answer(task):
        broken = tuple(Outcome(spec.index, "unwritable", reason="No space left on device (x)") for spec in task.specs)
        return [Event("over", task.id, outcomes=broken)]

    with pytest.raises(RunError, match=r"No space left on device \(x\); mend that and start the same sweep again"):
        launch(specs(3), answer)


def run(tmp_path, todo, function, *, lists=False):
    messages = []
    task = Task("t", str(tmp_path), function, lists, tuple(todo))
    return run_task(task, messages.append), messages


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setenv("DEMO_SECONDS", "0")


@pytest.mark.usefixtures("quick")
def test_a_worker_leaves_every_file_and_sends_a_line(tmp_path, monkeypatch):
    monkeypatch.setenv("DEMO_FAULTS", "raise@1")
    outcomes, messages = run(tmp_path, specs(3), "demo_sweep:train")
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert [message["event"] for message in messages] == ["start", "end"] * 3
    assert messages[0]["pid"] == os.getpid()
    files = {path.name for path in (tmp_path / "run_0000_seed0").iterdir()}
    assert files == {"run_spec.json", "stdout.txt", "stderr.txt", "DONE", "epochs.txt"}
    assert (tmp_path / "run_0000_seed0" / "stdout.txt").read_text() == "run 0\n"
    assert outcomes[2].result["selected_val_acc"] == 2 / 6
    again, messages = run(tmp_path, specs(3), "demo_sweep:train")
    assert [message["indices"] for message in messages if message["event"] == "start"] == [[1]]  # DONE is looked for
    assert len(again) == 3


@pytest.mark.usefixtures("quick")
def test_a_run_that_leaves_python_is_a_failed_one(tmp_path, monkeypatch):
    monkeypatch.setenv("DEMO_FAULTS", "exit@0")
    outcomes, _ = run(tmp_path, specs(2), "demo_sweep:train")
    assert [outcome.status for outcome in outcomes] == ["failed", "done"]
    assert outcomes[0].reason == "SystemExit: no more"


@pytest.mark.usefixtures("quick")
def test_runs_in_one_call_fail_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("DEMO_FAULTS", "fail@1")
    outcomes, messages = run(tmp_path, specs(3, "g"), "demo_sweep:train_lists", lists=True)
    assert [outcome.status for outcome in outcomes] == ["done", "failed", "done"]
    assert messages[0]["indices"] == [0, 1, 2]
    assert (tmp_path / "run_0002_seed2" / "stdout.txt").read_text() == "run 0\nrun 1\nrun 2\n"


@pytest.mark.usefixtures("quick")
def test_a_run_that_breaks_the_common_call_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("DEMO_FAULTS", "break@1 raise@2")
    outcomes, _ = run(tmp_path, specs(4, "g"), "demo_sweep:train_lists", lists=True)
    assert [outcome.status for outcome in outcomes] == ["done", "done", "failed", "done"]
    assert (tmp_path / "run_0000_seed0" / "epochs.txt").read_text() == "xxx"


def test_a_function_that_is_not_there_fails_no_run(tmp_path):
    with pytest.raises(ImportError):
        run(tmp_path, specs(1), "no_such_module:train")
    assert not list(tmp_path.glob("*/FAILED"))
    with pytest.raises(InputError, match="function no_such_module:train: no module no_such_module"):
        run_sweep(specs(1), tmp_path / "sweep", "no_such_module:train")
    assert not (tmp_path / "sweep").exists()


def test_a_halted_run_is_no_failure_and_the_rest_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("DEMO_SECONDS", "0.5")
    assert not halt(str(tmp_path))
    found = []
    thread = threading.Thread(target=lambda: found.extend(run(tmp_path, specs(2), "demo_sweep:train")))
    thread.start()
    time.sleep(0.2)
    assert not halt("another sweep")
    assert halt(str(tmp_path))
    thread.join(5)
    outcomes, messages = found
    assert [outcome.status for outcome in outcomes] == ["interrupted"]
    assert [message["event"] for message in messages] == ["start", "end"]
    assert not (tmp_path / "run_0000_seed0" / "FAILED").exists()
    assert not halt(str(tmp_path))


def test_a_run_whose_worker_had_to_leave_has_lost_no_attempt(launch):
    left = []

    def answer(task):
        indices = tuple(spec.index for spec in task.specs)
        if 0 in indices and len(left) < 5:
            left.append(indices)
            return [Event("start", task.id, indices), Event("left", task.id)]
        return ends_well(task)

    _, results, launcher = launch(specs(4, "g"), answer, replicas=2)
    assert len(left) == 5
    assert left[1] == (0, 1)  # side by side again
    assert results.count("done") == 4
    assert launcher.retries == 0


def test_a_run_in_whose_folder_another_process_works_waits_and_is_not_done_again(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "WAIT_S", 0.01)
    folder = tmp_path / "run_0000_seed0"
    folder.mkdir()
    found = []
    with FolderLock(folder):
        thread = threading.Thread(target=lambda: found.extend(run(tmp_path, specs(1), "demo_sweep:train")))
        thread.start()
        time.sleep(0.2)
        assert not found
        write_outcome(folder, Outcome(0, "done", 1.0, {"acc": 0.5}))
    thread.join(5)
    outcomes, messages = found
    assert [outcome.result for outcome in outcomes] == [{"acc": 0.5}]
    assert messages == []


def test_a_launcher_that_lost_its_folder_stops_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "CHECK_S", 0)

    def lose(*_):
        (tmp_path / "launcher.json").write_text('{"token": "theirs", "pid": 7, "host": "elsewhere"}')
        return contextlib.nullcontext(Script(ends_well))

    monkeypatch.setattr(engine, "_pool", lose)
    with pytest.raises(FolderLost, match=f"sweep folder {tmp_path}: was taken over by process 7 on elsewhere"):
        run_sweep(specs(2), tmp_path, "demo_sweep:train", quiet=True)
    assert [event["event"] for event in read_events(tmp_path)] == ["launch"]
    assert "theirs" in (tmp_path / "launcher.json").read_text()
