"""Many requests at a time on threads, with a progress bar, stopped by Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from common.errors import Interrupted
from common.progress import Progress
from common.runs.signals import StopSignals
from psa_resmlp.sagemaker.aws import THREADS, no_more_requests

LOOK_S = 0.2
Item = TypeVar("Item")
Result = TypeVar("Result")


def each(
    items: Sequence[Item], work: Callable[[Item], Result], what: str, *, quiet: bool = False
) -> Iterator[tuple[Item, Result]]:
    """Call `work` for every item on several threads, and yield each item with its result as they finish.

    After a failure or a signal no further item is begun, and running requests are not retried.

    Args:
        items: the items.
        work: the function to call.
        what: the text beside the bar.
        quiet: show no bar.

    Raises:
        Interrupted: a signal has come; results yielded before are complete.
    """
    with StopSignals() as signals, Progress(len(items), quiet=quiet) as bar:
        pool = ThreadPoolExecutor(THREADS)
        bar.describe(what)
        waiting: dict[Future[Result], Item] = {pool.submit(work, item): item for item in items}
        try:
            while waiting:
                done, _ = wait(waiting, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()
                bar.advance(len(done))
                number = signals.received
                if number is not None:
                    raise Interrupted(f"interrupted by {number.name}; start again to go on", int(number))
        finally:
            with no_more_requests():
                pool.shutdown(wait=True, cancel_futures=True)
