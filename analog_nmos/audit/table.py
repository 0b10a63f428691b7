"""From audited epochs to lines: each sample's, and `all` for the sums over an epoch's samples.

A sum over samples adds up updates as a run would make them at these gates: with each sample's own nudge for `rule` and
`small nudge`, with one strength of injection for the others. Its ratio refers to the mean strength.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from analog_nmos.audit.components import RULE, SMALL_NUDGE, Taken
from analog_nmos.audit.measures import FloatArray, cosine, ratio, sign_agreement
from analog_nmos.audit.study import Audited

ALL = "all"
REGIONS = ("off", "linear", "saturated")
HEADER = (
    "epoch", "sample", "rule", "component", "cosine", "sign_agreement", "ratio", *(f"share_{name}" for name in REGIONS)
)  # fmt: skip


class Line(NamedTuple):
    """A line of audit.csv; `sample` is a number or ALL."""

    epoch: int
    sample: int | str
    rule: str
    component: str
    cosine: float
    sign_agreement: float
    ratio: float
    share_off: float
    share_linear: float
    share_saturated: float


def lines_of(audited: Audited) -> Iterator[Line]:
    """Of an epoch: sample by sample, then the sum; none if no sample trains."""
    samples: Sequence[int | str] = [*audited.sample.tolist(), ALL]
    shares = np.stack([(audited.region == kind).mean(axis=1) for kind in range(len(REGIONS))], axis=1)
    if not audited.sample.size:
        return
    shares = np.concatenate([shares, shares.mean(axis=0, keepdims=True)])
    measured = {
        (name, which): _measured(audited, taken, which)
        for name, taken in audited.taken.items()
        for which in taken.update
    }
    for row, sample in enumerate(samples):
        for (name, which), columns in measured.items():
            yield Line(audited.epoch, sample, name, which, *columns[row].tolist(), *shares[row].tolist())


def _measured(audited: Audited, taken: Taken, which: str) -> FloatArray:
    """Cosine, sign agreement and ratio (samples + 1, 3), the sum last."""
    update, gradient = (_with_sum(array) for array in (taken.update[which], audited.gradient))
    lengths = ratio(update, gradient)
    if which in (RULE, SMALL_NUDGE):
        lengths = lengths / (audited.scale_V2 * np.append(taken.strength, taken.strength.mean()))
    return np.stack([cosine(update, gradient), sign_agreement(update, gradient), lengths], axis=1)


def _with_sum(rows: FloatArray) -> FloatArray:
    return np.concatenate([rows, rows.sum(axis=0, keepdims=True)])
