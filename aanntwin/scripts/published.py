"""The JSON files of the published sweeps: how their keys are written, and results from such files.

They do not say of which settings they are, so that nobody can check it: a sweep takes results from one only where the
user asks for the published format, and says so. A null stands for what was not tested.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.inputs import read_json

if TYPE_CHECKING:
    from aanntwin.config import ModelParams

FORMATS = ("ours", "published")
NONE = "none"
Pairs = list[tuple[float, float]]


def add_format(group: Any, text: str) -> None:
    """Add --format, ours or published."""
    group.add_argument("--format", choices=FORMATS, default="ours", help=f"{text} (default: ours)")


def design_key(params: ModelParams) -> str:
    """A design's name in the database: channels, kernel, stride, padding, pool, and None or a list of widths."""
    layers = list(params.additional_layers) or None
    sides = (params.conv_out_channels, params.kernel_size, params.stride, params.padding, params.pool_size)
    return "_".join(str(value) for value in (*sides, layers))


def read_database(file: Path) -> dict[str, float | None]:
    """Accuracies from 0 to 1 by `design_key`, None where there is none; an empty one if there is no file.

    Raises:
        InputError: it is something else.
    """
    content: dict[str, Any] = read_json(file, "results file") if file.exists() else {}
    for key, value in content.items():
        if not (value is None or (_is_number(value) and 0 <= value <= 1)):
            raise InputError(f"results file {file}: {key!r:.80} is {value!r:.80}, allowed: null, or 0 to 1")
    return content


def noise_key(word: str) -> str:
    """A noise as the published program's keys have it, from ours: null, 0.0, 0.01."""
    return "null" if word == NONE else repr(float(word))


def read_noise(file: Path, training: Sequence[str], testing: Sequence[str]) -> dict[str, dict[str, Pairs]]:
    """{training noise: {test noise: [(loss, accuracy), ..]}} with our words, from either form of keys.

    What is not there for every test noise, or not a finite number, counts as missing.

    Raises:
        InputError: it is something else, or has a training noise that is not among ours.
    """
    content = read_json(file, "results file") if file.exists() else {}
    found = {}
    for key, tests in _by_word(content, training).items():
        if key not in training:
            raise InputError(f"results file {file}: has the training noise {key!r:.80}, which this sweep has not")
        given = _by_word(tests, testing) if isinstance(tests, dict) else {}
        pairs = {word: _pairs(given.get(word)) for word in testing}
        if min(len(runs) for runs in pairs.values()) and len({len(runs) for runs in pairs.values()}) == 1:
            found[key] = pairs
    return found


def in_published_keys(results: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same results under the published program's keys."""
    return {
        noise_key(train): {noise_key(test): runs for test, runs in tests.items()} for train, tests in results.items()
    }


def database_text(database: Mapping[str, float | None]) -> str:
    """A database as the published program writes it."""
    return json.dumps(dict(database), indent=4)


def _by_word(content: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """The same under our words, where a key means the same noise."""
    ours = {noise_key(word): word for word in words}

    def word_of(key: str) -> str:
        try:
            return ours.get(noise_key(key), key)
        except ValueError:
            return ours.get(key, key)

    return {word_of(key): value for key, value in content.items()}


def _pairs(value: Any) -> Pairs:
    """(loss, accuracy) of each run; none if one of them is no such pair."""
    runs = [value] if isinstance(value, list) and value and not isinstance(value[0], list) else value
    if not isinstance(runs, list):
        return []
    good = [run for run in runs if isinstance(run, list) and len(run) == 2 and all(_is_number(part) for part in run)]
    return [(float(loss), float(accuracy)) for loss, accuracy in good] if len(good) == len(runs) else []


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)
    )
