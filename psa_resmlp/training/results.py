"""The result of a run, with the names that all suites share and, for each trial, those of the study."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from common.experiment import Result
from psa_resmlp.study.chain import described, is_chained
from psa_resmlp.training.replica import Replica

SCORE, SELECTED_ON = "selected_val_acc", "validation set"


def result(replicas: Sequence[Replica], tests: Sequence[int | None], images: tuple[int, int]) -> Result:
    """The result of a run, with means over its trials.

    Args:
        replicas: its trials.
        tests: how many test images each trial's LKG classifies correctly; None for those without an LKG.
        images: numbers of validation and of test images.
    """
    val, of_test = images
    with_lkg = [(one, test) for one, test in zip(replicas, tests, strict=True) if test is not None]
    trials = [_entry(one, 100 * test / of_test, val) for one, test in with_lkg]
    more: dict[str, Any] = {"trials": trials}
    if len(replicas) == 1:
        [one] = replicas
        more |= {"family": one.config.family, "mode": one.mode, "trial_seed": one.seed}
    chained = sorted({described(one.chain) for one in replicas if is_chained(one.chain, one.mode)})
    if chained:
        # `nonideal table` leaves out runs with this entry, as they are no measurement of their last mode.
        more["incomparable"] = f"chain of modes: {'; '.join(chained)}"
    last = [one.loops[-1] for one in replicas if one.loops]
    final = {"val_acc": _mean(loop.val_hits / val for loop in last)} if last else {}
    final |= {"epoch": max(one.loop for one in replicas)}
    if not with_lkg:
        return Result(SCORE, final, more=more)
    selected = {
        "val_acc": _mean(one.bounty_hits / val for one, _ in with_lkg),
        "test_acc": _mean(test / of_test for _, test in with_lkg),
    }
    loops = {one.bounty_loop for one, _ in with_lkg}
    return Result(SCORE, final, selected, SELECTED_ON, loops.pop() if len(loops) == 1 else None, more)


def _entry(replica: Replica, test: float, images: int) -> dict[str, Any]:
    """The numbers of a trial for tables; both accuracies in percent."""
    return {
        "trial": replica.trial,
        "mode": replica.mode,
        "seed": replica.seed,
        "meta_loops": replica.loop,
        "bounty_percent": 100 * replica.bounty_hits / images,
        "bounty_loop": replica.bounty_loop,
        "test_accuracy_percent": test,
    }


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return math.fsum(found) / len(found)
