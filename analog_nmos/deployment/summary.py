"""What was measured, summed up: means with intervals, curves, and the matrix of runs and chips."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from analog_nmos.deployment.fleet import IDEAL, OWN, digest
from analog_nmos.deployment.spread import Spread, of_samples, of_scores, spread
from analog_nmos.deployment.study import Condition, Row, Study

Match = Callable[[Condition], bool]
Studies = Mapping[str, tuple[Study, Sequence[Row]]]  # by the names of runs


def values(rows: Sequence[Row], match: Match) -> list[list[float]]:
    """Numbers of the draws of each chip, for conditions that match."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if match(row.condition):
            found.setdefault(row.condition.chip, []).append(row.value)
    return list(found.values())


def over_chips(study: Study, rows: Sequence[Row], **changes: object) -> Spread:
    """Of all chips of the deployment under a condition, as `Study.condition` makes it."""
    wanted = {study.condition(name, **changes) for name in study.chips}
    return of_scores(values(rows, wanted.__contains__), study.is_accuracy)


def of_one(study: Study, rows: Sequence[Row], chip: str, **changes: object) -> Spread:
    """Of one chip; of one measurement of an accuracy over test samples."""
    found = values(rows, study.condition(chip, **changes).__eq__)
    if study.is_accuracy and len(found[0]) == 1:
        return of_samples(found[0][0], len(study.trained.replica.data.test.y))
    return of_scores(found, study.is_accuracy)


def change(study: Study, rows: Sequence[Row], chips: Iterable[str], **changes: object) -> Spread:
    """Of some chips against ideal transistors under the same draws of noise.

    Points of accuracy that are lost, or how many times the loss of ideal transistors theirs is.
    """
    wanted = {study.condition(name, **changes) for name in chips}
    table = np.array(values(rows, wanted.__contains__))
    ideal = np.array(values(rows, study.condition(IDEAL).__eq__))
    if study.is_accuracy:
        return spread((100 * (ideal - table)).tolist())
    with np.errstate(divide="ignore", invalid="ignore"):  # the loss of ideal transistors may be 0
        return spread((table / ideal).tolist())


def curve(study: Study, rows: Sequence[Row], kind: str) -> dict[str, dict[float, Spread]]:
    """Series by name, each from a scale or a read noise in V to its mean and interval."""
    found: dict[str, dict[float, Spread]] = {}
    names = {kp: ("chips", "chips without factors on kp")[not kp] for kp in study.kps}
    if kind == "scales":
        for kp, name in names.items():
            found[name] = {scale: over_chips(study, rows, scale=scale, with_kp=kp) for scale in study.scales}
        return found
    noises_V = sorted(set(study.read_noises_V))
    found["ideal transistors"] = {v: of_scores(_of(study, rows, IDEAL, v), study.is_accuracy) for v in noises_V}
    if study.chips:
        for kp, name in names.items():
            found[name] = {v: over_chips(study, rows, read_noise_V=v, with_kp=kp) for v in noises_V}
    return found


def repair_curves(study: Study, rows: Sequence[Row]) -> tuple[dict[str, list[float]], list[Spread]]:
    """For each chip its means over draws after 0, 1, 2 ... epochs, and those of all chips."""
    epochs = range(study.options.repair_epochs + 1)
    each = {name: [of_one(study, rows, name, repaired_epochs=epoch).mean for epoch in epochs] for name in study.chips}
    return each, [over_chips(study, rows, repaired_epochs=epoch) for epoch in epochs]


def matrix(studies: Studies) -> tuple[list[str], list[list[float]], list[list[bool]]]:
    """Columns, means over draws of each run (row) in them, and which cells are of the chip it was trained on.

    The columns are ideal transistors, the run's own chip where one has any (NaN for others), and the chips.
    """
    some_own = any(study.trained.chip is not None for study, _ in studies.values())
    first, _ = next(iter(studies.values()))
    columns = [IDEAL, *([OWN] if some_own else []), *first.chips]
    cells, own = [], []
    for study, rows in studies.values():
        found = {name: values(rows, study.condition(name).__eq__) for name in columns}
        cells.append([of_scores(one, study.is_accuracy).mean if one else math.nan for one in found.values()])
        mine = study.trained.chip and digest(study.trained.chip)
        own.append([name in study.chips and digest(study.chips[name]) == mine for name in columns])
    return columns, cells, own


def trained_on(study: Study) -> str:
    """The name of the chip that a run was trained on, among those of the deployment or by its file."""
    chip, file = study.trained.chip, study.trained.config.chip
    if chip is None or file is None:
        return IDEAL
    scale = study.trained.config.chip_scale
    known = [name for name, one in study.chips.items() if digest(one) == digest(chip)]
    return known[0] if known else file.stem + (f" x {scale:g}" if scale != 1.0 else "")


def _of(study: Study, rows: Sequence[Row], chip: str, read_noise_V: float) -> list[list[float]]:
    return values(rows, study.condition(chip, read_noise_V=read_noise_V).__eq__)
