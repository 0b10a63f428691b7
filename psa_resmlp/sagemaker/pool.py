"""Many requests at a time, with a bar, that Ctrl-C ends."""

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
    """Do `work` for every item on several threads, and give each with its result as they end.

    Once one has failed or a signal has come, no further one is begun, and the requests of those at work end before
    their next attempt.

    Args:
        items: in any order.
        work: what to do.
        what: the text beside the bar.
        quiet: show no bar.

    Raises:
        Interrupted: a signal has come; what was given before is whole.
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
