"""What an audit found, as text for people, as CSV and as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analog_nmos.audit.components import COMPONENTS, RULE
from analog_nmos.audit.measures import FloatArray
from analog_nmos.audit.study import Audited
from analog_nmos.audit.table import ALL, HEADER, REGIONS, Line
from analog_nmos.deployment.report import as_csv
from common.browse.text import aligned

TENTH = 10  # percentile
NO_REGION = -1


def lines_csv(lines: Sequence[Line]) -> str:
    """audit.csv."""
    return as_csv(HEADER, lines)


def overview(name: str, found: Sequence[Audited], lines: Sequence[Line]) -> str:
    """A table over all epochs: means over samples with the 10th percentile of cosines, and cosines of sums."""
    title = _title(name, found)
    if not lines:
        return f"{title}\nno sample trains: there is nothing to compare"
    header = ("rule", "component", "cosine", "10th percentile", "cosine of sums", "sign agreement", "ratio")
    cells = [[*key, *_numbers(lines, *key)] for key in dict.fromkeys((line.rule, line.component) for line in lines)]
    first = [line for line in lines if line.sample != ALL and line.component == RULE and line.rule == lines[0].rule]
    shares = [np.mean([getattr(line, f"share_{kind}") for line in first]) for kind in REGIONS]
    regions = ", ".join(f"{100 * share:.1f} % {kind}" for share, kind in zip(shares, REGIONS, strict=True))
    return "\n".join([title, f"transistors in free states: {regions}", aligned(header, cells)])


def arrays_of(found: Sequence[Audited], n_edges: int) -> dict[str, Any]:
    """audit.npz, for each transistor of the network that the run began with.

    epoch (N,), sample (S,), rule (R,), component (C,): what the axes of the others are.
    update (R, C, N, S, E): V^2 for rule and small nudge, which gates move by times gamma; loss unit per V for the
    others, as gradient (N, S, E), the negative derivative by the gate voltages. NaN where there is none.
    strength (R, N, S): of the rule's nudge, A per (loss unit / V); scale_V2: 2 / beta.
    region (N, S, E): 0 off, 1 linear, 2 saturated, -1 none. gate_V (N, E).

    Args:
        found: epochs.
        n_edges: E.
    """
    samples = np.unique(np.concatenate([one.sample for one in found]))
    rules = list(found[0].taken)
    wide = (len(found), samples.size, n_edges)
    update = np.full((len(rules), len(COMPONENTS), *wide), np.nan)
    gradient, region = np.full(wide, np.nan), np.full(wide, NO_REGION, np.int8)
    strength, gate_V = np.full((len(rules), *wide[:2]), np.nan), np.full((len(found), n_edges), np.nan)
    for number, one in enumerate(found):
        at = np.ix_(np.searchsorted(samples, one.sample), one.edge_uid)
        gradient[number][at], region[number][at] = one.gradient, one.region
        gate_V[number, one.edge_uid] = one.gate_V
        for row, taken in enumerate(one.taken.values()):
            strength[row, number, at[0][:, 0]] = taken.strength
            for which, values in taken.update.items():
                update[row, COMPONENTS.index(which), number][at] = values
    return {
        "epoch": np.array([one.epoch for one in found]), "sample": samples, "rule": np.array(rules),
        "component": np.array(COMPONENTS), "update": update, "gradient": gradient, "strength": strength,
        "scale_V2": np.float64(found[0].scale_V2), "region": region, "gate_V": gate_V,
    }  # fmt: skip


def known(values: Sequence[float]) -> FloatArray:
    """Those that are not NaN; NaN itself if there are none."""
    array = np.array(values)
    array = array[np.isfinite(array)]
    return array if array.size else np.array([np.nan])


def _numbers(lines: Sequence[Line], rule: str, component: str) -> list[float]:
    own = [line for line in lines if (line.rule, line.component) == (rule, component)]
    each, sums = ([line for line in own if (line.sample == ALL) is summed] for summed in (False, True))
    cosine = known([line.cosine for line in each])
    rest = [known([getattr(line, name) for line in each]).mean() for name in ("sign_agreement", "ratio")]
    summed = known([line.cosine for line in sums]).mean()
    return [float(one) for one in (cosine.mean(), np.percentile(cosine, TENTH), summed, *rest)]


def _title(name: str, found: Sequence[Audited]) -> str:
    epochs, count = [one.epoch for one in found], sum(one.sample.size for one in found)
    which = f"epoch {epochs[0]}" if len(epochs) == 1 else f"{len(epochs)} epochs from {epochs[0]} to {epochs[-1]}"
    text = f"{name}: {which}, {count} samples that train"
    skipped, failed = sum(one.skipped for one in found), sum(one.failed for one in found)
    text += f"; {skipped} that do not are left out" * (skipped > 0)
    return text + f"; {failed} failed, as a state was not found" * (failed > 0)
