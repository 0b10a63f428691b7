"""The pool on Dask distributed: tasks are pinned to idle workers, so that none waits behind another."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import InputError, Interrupted, RunError
from common.runs.outcome import Outcome, one_line
from common.sweeps.halt import halt
from common.sweeps.pool import Event, PoolGone, PoolSize
from common.sweeps.worker import Task, run_task

REFRESH_S = 0.5
GATHER_S = 20.0
GONE = "the scheduler is gone; start the same sweep again to go on"
ALONE_S = 120.0  # local workers are restarted within seconds


@dataclass
class _Sent:
    """A task on its way: its future, its worker's address, the process that works on it once it has begun, and whether
    that has been asked to end.
    """

    future: Any
    address: str
    pid: int = 0
    leaving: bool = False


def work(task: Task, topic: str) -> list[dict[str, Any]]:
    """On the worker: run the task; its messages go to the launcher as events of `topic`."""
    from distributed import get_worker

    worker = get_worker()

    def report(message: dict[str, Any]) -> None:
        plain = {**message, "outcome": message["outcome"].json()} if "outcome" in message else message
        worker.log_event(topic, {**plain, "task": task.id, "worker": str(worker.name), "address": worker.address})

    return [outcome.json() for outcome in run_task(task, report)]


class DaskPool:
    """See `common.sweeps.pool.Pool`.

    Args:
        client: connected to a scheduler whose workers have one thread each.
        folder: the sweep's, as the tasks name it.
        local: the workers are processes of this machine that belong to this client alone.
        most: use at most so many workers; None means all.
    """

    def __init__(self, client: Any, folder: str, *, local: bool, most: int | None = None) -> None:
        self._client, self._folder, self._local, self._most = client, folder, local, most
        self._topic = f"nonideal-sweep-{uuid.uuid4().hex}"
        self._news: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._sent: dict[str, _Sent] = {}
        self._alive: dict[str, Mapping[str, Any]] = {}
        self._abandoned: set[str] = set()
        self._leaving: set[str] = set()
        self._refreshed = self._last_alive = -REFRESH_S
        client.subscribe_topic(self._topic, lambda event: self._news.put(("message", event[1])))
        self._prepare_workers()
        self._refresh()
        if not local:
            self._halt_leftovers()

    def size(self) -> PoolSize:
        """See `Pool.size`."""
        self._refresh()
        usable = [address for address in self._alive if address not in self._abandoned]
        busy = {sent.address for sent in self._sent.values()}
        idle = sum(address not in busy for address in self._ready())
        if self._most is not None:
            idle = min(idle, self._most - len(busy))
        return PoolSize(len(usable) if self._most is None else min(len(usable), self._most), max(idle, 0))

    def submit(self, task: Task) -> None:
        """See `Pool.submit`."""
        busy = {sent.address for sent in self._sent.values()}
        address = next(address for address in self._ready() if address not in busy)
        future = self._client.submit(
            work, task, self._topic, key=f"{task.id}-{self._topic}", workers=[address], allow_other_workers=False,
            pure=False, retries=0,
        )  # fmt: skip
        self._sent[task.id] = _Sent(future, address)
        future.add_done_callback(lambda _: self._news.put(("ended", task.id)))

    def collect(self, timeout_s: float) -> list[Event]:
        """See `Pool.collect`."""
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            news = self._news.get(timeout=timeout_s)
            while True:
                events += self._message(news[1]) if news[0] == "message" else self._ended(news[1])
                news = self._news.get_nowait()
        self._refresh()
        for task_id, sent in list(self._sent.items()):
            if sent.address not in self._alive:
                events.append(self._lost(task_id))
        return events

    def kill(self, task_id: str) -> None:
        """See `Pool.kill`."""
        sent = self._sent[task_id]
        if self._local and sent.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(sent.pid, signal.SIGKILL)
            return
        try:
            self._client.restart_workers([sent.address], timeout=30, raise_for_error=False)
        except (ValueError, OSError, TimeoutError):
            # Without a nanny nobody can end that process from here. It gets nothing more to do.
            self._abandoned.add(sent.address)
            self._news.put(("abandoned", task_id))

    def stop(self, grace_s: float) -> list[Event]:
        """See `Pool.stop`."""
        addresses = [sent.address for sent in self._sent.values()]
        if not addresses:
            return []
        # In a thread, as a worker that hangs may never answer.
        threading.Thread(target=self._halt, args=(addresses,), daemon=True).start()
        end, events = time.monotonic() + grace_s, []
        with contextlib.suppress(PoolGone):
            while self._sent and time.monotonic() < end:
                events += self.collect(0.1)
        if self._local:
            self._end_processes()
        return events

    def close(self) -> None:
        """See `Pool.close`."""
        with contextlib.suppress(Exception):  # the scheduler may be gone, and with it what is to be cancelled
            self._client.cancel([sent.future for sent in self._sent.values()], force=True)
        self._sent.clear()

    def _ready(self) -> list[str]:
        """Workers that would begin a task at once: a paused one (short of memory) would not."""
        alive = self._alive.items()
        lost = self._abandoned | self._leaving
        return [name for name, facts in alive if facts["status"] == "running" and name not in lost]

    def _halt(self, addresses: list[str]) -> None:
        with contextlib.suppress(Exception):  # they, or the scheduler, may be gone already
            self._client.run(halt, self._folder, workers=addresses, on_error="ignore")

    def _end_processes(self) -> None:
        """End local workers that did not stop, and do not start them again: closing would wait for them."""
        for nanny in self._client.cluster.workers.values():
            nanny.auto_restart = False
        for sent in self._sent.values():
            if sent.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(sent.pid, signal.SIGKILL)

    def _message(self, message: Mapping[str, Any]) -> list[Event]:
        task_id, worker = message["task"], message["worker"]
        if message["event"] == "leaving":
            self._leaving.add(message["address"])
            if task_id in self._sent:
                self._sent[task_id].leaving = True
            return []
        if message["event"] == "start":
            if task_id in self._sent:
                self._sent[task_id].pid = int(message["pid"])
            return [Event("start", task_id, indices=tuple(message["indices"]), worker=f"{worker} on {message['host']}")]
        return [Event("end", task_id, outcomes=(Outcome(**message["outcome"]),), worker=worker)]

    def _ended(self, task_id: str) -> list[Event]:
        if task_id not in self._sent:
            return []
        sent = self._sent[task_id]
        if sent.leaving or sent.address in self._abandoned:  # it may be gone before it can be asked; files have it all
            return [self._lost(task_id)]
        future = sent.future
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            outcomes = tuple(Outcome(**values) for values in future.result(timeout=GATHER_S))
        except (KilledWorker, TimeoutError, OSError):  # it died, perhaps with the result in its hands
            return [self._lost(task_id)]
        except FutureCancelledError:
            if self._client.status != "running":  # it gave up on the scheduler: no run is to blame
                raise PoolGone(GONE) from None
            return [self._lost(task_id)]
        except Interrupted:
            outcomes = ()
        except Exception as problem:  # noqa: BLE001 - whatever it is, tasks cannot run there
            raise RunError(f"workers cannot run the sweep's tasks: {one_line(problem)}") from None
        del self._sent[task_id]
        return [Event("over", task_id, outcomes=outcomes)]

    def _lost(self, task_id: str) -> Event:
        sent = self._sent.pop(task_id)
        with contextlib.suppress(Exception):  # its worker is gone, there may be nothing to cancel
            self._client.cancel([sent.future], force=True)
        return Event("left" if sent.leaving else "lost", task_id, worker=sent.address)

    def _refresh(self) -> None:
        """Refresh the list of workers, at most twice a second."""
        now = time.monotonic()
        if now - self._refreshed < REFRESH_S:
            return
        self._refreshed = now
        try:
            info = self._client.sync(self._client.scheduler.identity)
        except (OSError, TimeoutError, RuntimeError, Interrupted) as problem:
            raise PoolGone(f"{GONE} ({one_line(problem)})") from None
        self._alive = info["workers"]
        self._leaving &= self._alive.keys()
        for address, facts in self._alive.items():
            if facts["nthreads"] != 1:
                raise InputError(f"worker {address} has {facts['nthreads']} threads; start workers with --nthreads 1")
        if self._alive or not self._local:
            self._last_alive = now
        elif now - self._last_alive > ALONE_S:
            raise RunError(f"no worker has come up for {ALONE_S:.0f} s; is the machine out of memory?")

    def _prepare_workers(self) -> None:
        """Let workers, also those that come later, stop their runs in time when they have to end."""
        from common.sweeps.dask_preemption import LeaveInTime, WaitForWorker

        try:
            self._client.register_plugin(LeaveInTime())
            if not self._local:  # nannies of ours live in this very process
                self._client.register_plugin(WaitForWorker())
        except (OSError, TimeoutError) as problem:
            raise PoolGone(f"{GONE} ({one_line(problem)})") from None
        except Exception as problem:  # noqa: BLE001 - whatever it is, tasks cannot run there
            raise RunError(f"workers cannot run the sweep's tasks: {one_line(problem)}") from None

    def _halt_leftovers(self) -> None:
        """Stop what an earlier launcher, now dead, has left running in this folder."""
        end = time.monotonic() + 60.0
        while any(self._client.run(halt, self._folder).values()):
            if time.monotonic() > end:
                raise RunError(f"workers still run {self._folder} for an earlier launcher; restart them")
            time.sleep(0.2)
