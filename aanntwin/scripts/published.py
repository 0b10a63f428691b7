"""Read and write the JSON files of the published sweeps.

They do not record their settings, which therefore cannot be checked: a sweep uses results from one only with --format
published, and prints a line about it. null means not tested.
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
    """A design's key in the database: channels, kernel, stride, padding, pool, and None or a list of widths."""
    layers = list(params.additional_layers) or None
    sides = (params.conv_out_channels, params.kernel_size, params.stride, params.padding, params.pool_size)
    return "_".join(str(value) for value in (*sides, layers))


def read_database(file: Path) -> dict[str, float | None]:
    """Accuracies from 0 to 1, or None, by `design_key`; empty if there is no file.

    Raises:
        InputError: the file has another content.
    """
    content: dict[str, Any] = read_json(file, "results file") if file.exists() else {}
    for key, value in content.items():
        if not (value is None or (_is_number(value) and 0 <= value <= 1)):
            raise InputError(f"results file {file}: {key!r:.80} is {value!r:.80}, allowed: null, or 0 to 1")
    return content


def noise_key(word: str) -> str:
    """The published program's key for one of our noises: null, 0.0, 0.01."""
    return "null" if word == NONE else repr(float(word))


def read_noise(file: Path, training: Sequence[str], testing: Sequence[str]) -> dict[str, dict[str, Pairs]]:
    """{training noise: {test noise: [(loss, accuracy), ..]}} with our keys, from either form of keys.

    A training noise counts as missing if a test noise is missing or a number is not finite.

    Raises:
        InputError: the file has another content, or a training noise that is not among ours.
    """
    content = read_json(file, "results file") if file.exists() else {}
    found = {}
    for key, tests in _by_word(content, training).items():
        if key not in training:
            raise InputError(f"results file {file}: has the training noise {key!r:.80}, which is not in this sweep")
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
    """The same content under our keys; unknown keys are kept."""
    ours = {noise_key(word): word for word in words}

    def word_of(key: str) -> str:
        try:
            return ours.get(noise_key(key), key)
        except ValueError:
            return ours.get(key, key)

    return {word_of(key): value for key, value in content.items()}


def _pairs(value: Any) -> Pairs:
    """(loss, accuracy) of each run; empty if one of them is not a pair of numbers."""
    runs = [value] if isinstance(value, list) and value and not isinstance(value[0], list) else value
    if not isinstance(runs, list):
        return []
    good = [run for run in runs if isinstance(run, list) and len(run) == 2 and all(_is_number(part) for part in run)]
    return [(float(loss), float(accuracy)) for loss, accuracy in good] if len(good) == len(runs) else []


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)
    )
