"""What was measured, as text for people and as CSV for notebooks."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Any

from analog_nmos.deployment.fleet import IDEAL, OWN
from analog_nmos.deployment.spread import Spread
from analog_nmos.deployment.study import Row, Study
from analog_nmos.deployment.summary import Studies, change, curve, matrix, of_one, over_chips, trained_on
from common.browse.text import aligned

FEW = 12  # chips that a table names
STAR = "*"


def overview(study: Study, rows: Sequence[Row]) -> str:
    """A table: ideal transistors, the run's own chip, the chips, and after repair."""
    trained, chips = study.trained, [*study.chips]
    few = chips if len(chips) <= FEW else []
    one = {"ideal transistors": IDEAL} | ({} if trained.chip is None else {"its own chip": OWN})
    one |= {name: name for name in few}
    lines = [(text, of_one(study, rows, name), change(study, rows, [name])) for text, name in one.items()]
    means: dict[str, dict[str, Any]] = {"deployed": {}} if chips else {}
    if study.options.without_kp:
        means["without factors on kp"] = {"with_kp": False}
    if chips and (epochs := study.options.repair_epochs):
        means[f"repaired by {_count(epochs, 'epoch')}"] = {"repaired_epochs": epochs}
    for text, condition in means.items():
        found = over_chips(study, rows, **condition), change(study, rows, chips, **condition)
        lines.append((f"{text}: {_count(len(chips), 'chip')}", *found))
    lost = "points lost" if study.is_accuracy else "times ideal"
    header = ("transistors", trained.metric, "95 % interval", "over", lost)
    cells = [
        [text, number(study, score.mean), *_interval(study, score), _change(study, than)] for text, score, than in lines
    ]
    cells[0][-1] = "-"  # ideal transistors beside themselves
    return "\n".join([_title(study, rows), aligned(header, cells)])


def curve_table(study: Study, rows: Sequence[Row], kind: str) -> str:
    """Means over chips, or of ideal transistors, along a curve: "scales" or "read_noises"."""
    found = curve(study, rows, kind)
    points = list(next(iter(found.values())))
    unit = "times the mismatch" if kind == "scales" else "read noise (mV)"
    shown = [f"{point if kind == 'scales' else 1e3 * point:g}" for point in points]
    cells = [
        [text, *(_short(study, series[point]) for series in found.values())]
        for text, point in zip(shown, points, strict=True)
    ]
    return aligned((unit, *found), cells)


def matrix_table(studies: Studies) -> str:
    """The matrix as text; a star is behind what a run reaches on the chip that it was trained on."""
    columns, cells, own = matrix(studies)
    lines = []
    for (name, (study, _)), row, mine in zip(studies.items(), cells, own, strict=True):
        numbers = ["-" if math.isnan(one) else number(study, one) for one in row]
        lines.append([name, trained_on(study), *(text + STAR * star for text, star in zip(numbers, mine, strict=True))])
    note = "* the chip that the run was trained on" if any(map(any, own)) else ""
    return "\n".join(filter(None, [aligned(("run", "trained on", *columns), lines), note]))


def rows_csv(studies: Studies) -> str:
    """deploy.csv: a line for each measurement."""
    metric = next(iter(studies.values()))[0].trained.metric
    names = ("run", "chip", "scale", "with_kp", "read_noise_V", "draw", "repaired_epochs", metric, "failed")
    lines: list[Sequence[Any]] = []
    for _, rows in studies.values():
        for row in rows:
            one = row.condition
            lines.append((row.run, one.chip, one.scale, int(one.with_kp), one.read_noise_V, row.draw,
                          one.repaired_epochs, row.value, row.failed))  # fmt: skip
    return as_csv(names, lines)


def curves_csv(studies: Studies, kind: str) -> str:
    """scales.csv or read_noises.csv: means with their intervals."""
    metric = next(iter(studies.values()))[0].trained.metric
    point = {"scales": "scale", "read_noises": "read_noise_V"}[kind]
    lines: list[Sequence[Any]] = []
    for name, (study, rows) in studies.items():
        for series, points in curve(study, rows, kind).items():
            lines += [(name, series, at, one.mean, one.low, one.high, one.of) for at, one in points.items()]
    return as_csv(("run", "transistors", point, metric, "low", "high", "interval_over"), lines)


def matrix_csv(studies: Studies) -> str:
    """matrix.csv: a line for each run."""
    columns, cells, _ = matrix(studies)
    named = zip(studies.items(), cells, strict=True)
    return as_csv(
        ("run", "trained_on", *columns), [(name, trained_on(study), *row) for (name, (study, _)), row in named]
    )


def as_csv(header: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """Text of a CSV file; NaN is an empty cell."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if one != one else one for one in line] for line in lines])
    return stream.getvalue()


def number(study: Study, value: float) -> str:
    """An accuracy with four decimals, a loss with four digits."""
    return f"{value:.4f}" if study.is_accuracy else f"{value:.4g}"


def _short(study: Study, one: Spread) -> str:
    ends = _interval(study, one)[0]
    return number(study, one.mean) + (f" ({ends})" if one.of else "")


def _change(study: Study, lost: Spread) -> str:
    """With its interval, where there is one: points with two decimals, ratios with three digits."""

    def text(value: float) -> str:
        return f"{round(value, 2) + 0.0:.2f}" if study.is_accuracy else f"{value:.3g}"  # + 0.0: no -0.00

    return text(lost.mean) + (f" ({text(lost.low)} to {text(lost.high)})" if lost.of else "")


def _interval(study: Study, one: Spread) -> tuple[str, str]:
    if not one.of:
        return "-", "-"
    return f"{number(study, one.low)} to {number(study, one.high)}", one.of


def _title(study: Study, rows: Sequence[Row]) -> str:
    trained, failed = study.trained, sum(row.failed for row in rows)
    text = f"{study.name}: gates of epoch {trained.epoch}, {trained.gates.gate_V.size} transistors, "
    text += f"{len(trained.replica.data.test.y)} test samples, read noise {1e3 * study.read_noise_V:g} mV"
    return text + (f"; {failed} operating points failed" if failed else "")


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
