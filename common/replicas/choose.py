"""How many replicas to stack, by measurement: the answer changes the time and no number."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """What was found.

    Attributes:
        stack: how many replicas to train side by side.
        step_s: seconds a step and replica, by stack size.
    """

    stack: int
    step_s: dict[int, float]


def choose_stack(
    make_step: Callable[[int], Callable[[], None]],
    sizes: Sequence[int],
    *,
    finish: Callable[[], None] = lambda: None,
    budget_s: float = 0.3,
    gain: float = 1.1,
) -> Choice:
    """Try stacks from the smallest to the largest and take the first that no larger one beats by the factor `gain`.

    A stack larger than the smallest is measured once more, and so is the smallest: a moment in which the machine was
    busy must not decide for days of training.

    Args:
        make_step: from a stack size to a function that does one training step of such a stack.
        sizes: ascending; those that the memory allows.
        finish: waits for the device (torch.cuda.synchronize), so that its time counts.
        budget_s: seconds of measuring a size.
        gain: how much faster a larger stack must be, as it also needs more memory and loses more when it is cut off.
    """
    step_s: dict[int, float] = {}
    for size in sizes:
        step_s[size] = _seconds(make_step(size), finish, budget_s) / size
    found = _first(step_s, gain)
    if found != sizes[0]:
        for size in (sizes[0], found):
            step_s[size] = min(step_s[size], _seconds(make_step(size), finish, budget_s) / size)
        found = _first(step_s, gain)
    return Choice(found, step_s)


def _first(step_s: dict[int, float], gain: float) -> int:
    best = min(step_s.values())
    return next(size for size, seconds in step_s.items() if seconds <= best * gain)


def _seconds(step: Callable[[], None], finish: Callable[[], None], budget_s: float) -> float:
    """The shortest of some steps: other work on the machine makes steps longer, never shorter."""
    for _ in range(3):  # kernels compile, products are tried
        step()
    finish()
    taken: list[float] = []
    end = time.perf_counter() + budget_s
    while len(taken) < 3 or (time.perf_counter() < end and len(taken) < 200):
        start = time.perf_counter()
        step()
        finish()
        taken.append(time.perf_counter() - start)
    return min(taken)
