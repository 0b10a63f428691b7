"""How many replicas train side by side, on how many threads, and how much memory they need."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import torch

from common.errors import InputError
from common.replicas.choose import Choice, choose_stack
from common.replicas.loss import CrossEntropy
from psa_resmlp.model.images import ImageSet
from psa_resmlp.study.architectures import Architecture
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.engine import Engine
from psa_resmlp.training.replica import Replica

MEMORY_MiB = 1024
STACKS = (1, 2, 4, 8, 16, 32, 64)
WIDE = 256
STEPS_AT_ONCE = 4
One = TypeVar("One")


def largest_stack(replicas: Sequence[Replica]) -> int:
    """The largest number of these trials side by side within MEMORY_MiB."""
    config = replicas[0].config
    return max(
        1, min(len(replicas), int(MEMORY_MiB / replica_MiB(replicas[0].architecture, config.family, config.batch_size)))
    )


def check_size(config: TrainConfig) -> None:
    """Raise InputError for networks that the memory of this machine cannot hold, before any is taken."""
    architecture = config.architecture
    needed_GiB = replica_MiB(architecture, config.family, 1) / 1024
    there_GiB = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    if needed_GiB > there_GiB:
        raise InputError(
            f"architecture {architecture} has {architecture.parameters(config.family):,} parameters and needs "
            f"{needed_GiB:.3g} GiB to train; this machine has {there_GiB:.3g} GiB"
        )


def stack_choice(
    replicas: Sequence[Replica],
    train: ImageSet,
    val: ImageSet,
    device: torch.device,
    *,
    workers: int = 1,
    **options: Any,
) -> Choice:
    """How many of these trials to train side by side, from timed steps on the first images.

    Several workers step at the same time, as in training: short calls of two threads wait for the interpreter's lock,
    those of larger stacks much less. The seconds of the result are then those of all workers' steps.
    """
    most = largest_stack(replicas)

    def stepper(size: int) -> Callable[[], None]:
        engine = Engine(replicas[:size], train, val, device, **options)
        score = CrossEntropy(size, device, kernels=options.get("kernels", True))
        batch = min(replicas[0].config.batch_size, len(train))
        index = torch.arange(batch, device=device).expand(size, -1).contiguous()
        return lambda: engine.step(index, score)

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    sizes = sorted({size for size in STACKS if size < most} | {most})
    if workers == 1:
        return choose_stack(stepper, sizes, finish=finish, budget_s=0.2)
    with thread_pool(workers, int(options.get("threads", 1))) as pool:

        def several(size: int) -> Callable[[], None]:
            steppers = [stepper(size) for _ in range(workers)]
            return lambda: wait_for([pool.submit(_repeat, step, STEPS_AT_ONCE) for step in steppers])

        return choose_stack(several, sizes, finish=finish, budget_s=0.2)


def thread_pool(workers: int, threads: int) -> ThreadPoolExecutor:
    """A pool of threads whose matrix products use `threads` threads each; torch sets that number per thread."""
    return ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,))


def wait_for(futures: Sequence[Future[Any]]) -> None:
    """Wait until all are done; an exception of one is raised."""
    for future in futures:
        future.result()


def _repeat(step: Callable[[], None], times: int) -> None:
    for _ in range(times):
        step()


def threads_for(architecture: Architecture, threads: int) -> tuple[int, int]:
    """How many threads a step uses, and how many groups train at the same time, where `threads` are available.

    Products of narrow layers are too short to be split; there each thread trains different networks. The result does
    not depend on the number of trials, so that a trial has the same numbers alone.
    """
    return (threads, 1) if architecture.width >= WIDE else (1, threads)


def groups(every: Sequence[One], stack: int) -> list[list[One]]:
    """Consecutive groups of at most `stack`, as equal in size as possible."""
    count = math.ceil(len(every) / stack)
    edges = [len(every) * place // max(count, 1) for place in range(count + 1)]
    return [list(every[first:last]) for first, last in itertools.pairwise(edges)]


def replica_MiB(architecture: Architecture, family: str, batch: int) -> float:
    """Memory that one replica of a stack takes in training: parameters four times, signals, the images."""
    signals = sum(outputs for _, outputs in architecture.linears(family)) + 784
    return 4 * (4 * architecture.parameters(family) + batch * signals) / 2**20
