"""The vocabulary of results: what the runs of every suite end with, and how readers find it.

run_meta.json holds it as `result`:

    {"score": "selected_val_acc", "final": {"val_acc": 0.9417, "epoch": 10},
     "selected": {"val_acc": 0.9528, "on": "validation split", "epoch": 7}, ...}

Accuracies are fractions from 0 to 1. Tables have the same numbers as columns: final_val_acc, selected_val_acc, ...
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FINAL, SELECTED = "final", "selected"
ON, EPOCH = "on", "epoch"


@dataclass(frozen=True)
class Result:
    """What a run ends with.

    Attributes:
        score: the column that ranks runs: final_<metric> or selected_<metric>.
        final: numbers by metric after the last epoch; accuracies are fractions.
        selected: the same at the epoch that was chosen because its score was the best; empty if nothing is chosen.
        selected_on: the images by which it was chosen, e.g. "validation split".
        selected_epoch: which one it was.
        more: further numbers and facts of the suite, by name.
    """

    score: str
    final: Mapping[str, float]
    selected: Mapping[str, float] = field(default_factory=dict)
    selected_on: str = ""
    selected_epoch: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The metric of the score, e.g. val_acc."""
        return self.score.partition("_")[2]

    @property
    def value(self) -> float | None:
        """The number that ranks the run; None if it has none, as one that was stopped before its first epoch."""
        numbers = self.selected if self.score.startswith(f"{SELECTED}_") else self.final
        return numbers.get(self.metric)

    def json(self) -> dict[str, Any]:
        """For run_meta.json."""
        chosen = {**self.selected, ON: self.selected_on, EPOCH: self.selected_epoch} if self.selected else None
        return {"score": self.score, FINAL: dict(self.final), SELECTED: chosen, **self.more}

    def columns(self) -> dict[str, Any]:
        """For tables: score (the number), score_name, final_<metric>, selected_<metric>, and whatever is more."""
        found: dict[str, Any] = {"score": self.value, "score_name": self.score}
        found |= {f"{FINAL}_{name}": value for name, value in self.final.items()}
        found |= {f"{SELECTED}_{name}": value for name, value in self.selected.items()}
        if self.selected:
            found |= {f"{SELECTED}_{EPOCH}": self.selected_epoch, f"{SELECTED}_{ON}": self.selected_on}
        return found | dict(self.more)


def read_result(meta: Mapping[str, Any]) -> Result | None:
    """The result in a run_meta.json, also in one of an earlier version; None while there is none."""
    result = meta.get("result")
    if not isinstance(result, Mapping) or not result:
        return None
    if isinstance(result.get("score"), str) and isinstance(result.get(FINAL), Mapping):
        chosen = dict(result.get(SELECTED) or {})
        on, epoch = chosen.pop(ON, ""), chosen.pop(EPOCH, None)
        more = {name: value for name, value in result.items() if name not in ("score", FINAL, SELECTED)}
        return Result(result["score"], dict(result[FINAL]), chosen, on, epoch, more)
    return from_columns(result)


# Names that results had before there was this vocabulary: where each number belongs, and what makes it a fraction.
_EARLIER = {
    "final_loss": (FINAL, "train_loss", 1.0),
    "train_loss": (FINAL, "train_loss", 1.0),
    "test_acc": (FINAL, "test_acc", 1.0),
    "test_loss": (FINAL, "test_loss", 1.0),
    "test_accuracy": (FINAL, "test_acc", 1.0),
    "train_accuracy": (FINAL, "train_acc", 1.0),
    "swap_acc": (FINAL, "swap_acc", 1.0),
    "swap_acc_std": (FINAL, "swap_acc_std", 1.0),
    "meta_loops": (FINAL, EPOCH, 1.0),
    "loops": (FINAL, EPOCH, 1.0),
    "bounty_percent": (SELECTED, "val_acc", 0.01),
    "test_accuracy_percent": (SELECTED, "test_acc", 0.01),
    "bounty_loop": (SELECTED, EPOCH, 1.0),
}
_SCORES = ("selected_val_acc", "final_val_acc", "final_test_acc")


def from_columns(columns: Mapping[str, Any]) -> Result:
    """A result from its columns in a table, or from the flat numbers that earlier versions recorded."""
    numbers: dict[str, dict[str, Any]] = {FINAL: {}, SELECTED: {}}
    more: dict[str, Any] = {}
    flat = {**columns, **_mean(columns.get("trials"))}
    if set(flat) == {"loss", "accuracy"}:  # a model that was tested by a sweep of aanntwin
        flat = {f"test_{name}": value for name, value in flat.items()}
    for name, value in flat.items():
        kind, _, metric = name.partition("_")
        if name in _EARLIER and _is_number(value) and "_".join(_EARLIER[name][:2]) not in columns:
            kind, metric, factor = _EARLIER[name]
            numbers[kind][metric] = value if factor == 1.0 else factor * value
        elif kind in numbers and metric and (_is_number(value) or metric == ON):
            numbers[kind][metric] = value
        elif name not in ("score", "score_name"):
            more[name] = value
    final, chosen = numbers[FINAL], numbers[SELECTED]
    on = chosen.pop(ON, "validation set" if "bounty_percent" in flat else "")
    epoch = chosen.pop(EPOCH, None)
    there = [
        f"{kind}_{metric}"
        for kind, found in ((FINAL, final), (SELECTED, chosen))
        for metric in found
        if metric != EPOCH
    ]
    offered = [str(columns.get("score_name", "")), *_SCORES, *there]
    score = next((name for name in offered if name in there), "")
    return Result(score, final, chosen, on, epoch, more)


def _mean(trials: Any) -> dict[str, float]:
    """Means over the trials that a result lists, by the names of their numbers; an epoch only if all share it."""
    if not isinstance(trials, Sequence) or isinstance(trials, str) or not trials:
        return {}
    rows = [row for row in trials if isinstance(row, Mapping)]
    names = [name for name in _EARLIER if rows and all(_is_number(row.get(name)) for row in rows)]
    alike = [name for name in names if _EARLIER[name][1] != EPOCH or len({row[name] for row in rows}) == 1]
    return {name: sum(row[name] for row in rows) / len(rows) for name in alike}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
