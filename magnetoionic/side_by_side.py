"""Work on several models at a time, each in its own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from common.progress import Progress
from magnetoionic.network import Network

Found = TypeVar("Found")
WAIT_S = 0.2


class _Halted(Exception):
    """A model was stopped inside an epoch because the run ends."""


def side_by_side(
    work: Callable[[Network, Callable[[], None]], Found],
    models: Sequence[Network],
    threads: int,
    watch: Callable[[], None],
    progress: Progress | None = None,
) -> list[Found]:
    """Call `work` for every model; meanwhile the calling thread checks for signals and shows progress.

    Args:
        work: gets a model, and a function to call after every batch.
        models: all models.
        threads: number of models at a time.
        watch: called a few times a second; an exception of it stops all models after their current batch.
        progress: counts batches.

    Returns:
        What `work` returned for each model.
    """
    done, halt = [0] * len(models), threading.Event()

    def one(number: int) -> Found:
        def beat() -> None:
            done[number] += 1
            if halt.is_set():
                raise _Halted

        return work(models[number], beat)

    shown = 0
    with ThreadPoolExecutor(threads) as pool:
        futures: list[Future[Found]] = [pool.submit(one, number) for number in range(len(models))]
        try:
            waiting = set(futures)
            while waiting:
                ended, waiting = wait(waiting, WAIT_S, FIRST_COMPLETED)
                for future in ended:
                    future.result()
                watch()
                if progress is not None:
                    progress.advance(sum(done) - shown)
                    shown = sum(done)
        except BaseException:
            halt.set()
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]
