"""What a circuit can be imperfect in, one at a time: levels from harmless to harmful, and the variants they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aanntwin.scripts.spec_search import Limit, Resamples, find_fewest, find_level
from aanntwin.scripts.variants import Variant

if TYPE_CHECKING:
    from aanntwin.scripts.bench import Bench
    from aanntwin.scripts.spec_search import Correct
    from aanntwin.weights import Weights

NOISES = {
    "input_noise": "input noise",
    "conv2d_out_noise": "convolution output noise",
    "relu_out_noise": "ReLU output noise",
    "linear_out_noise": "linear output noise",
}
CLIPS = {"conv2d_input_clip": "convolution input clip", "linear_input_clip": "linear input clip"}
KINDS = {"conv": "convolution weight bits", "linear": "linear weight bits"}
OCTAVES = 14
MOST = 8.0  # the largest noise and clip that are tried, in units of full scale
BITS = tuple(range(8, -1, -1))
FULL_SCALES = tuple(np.round(np.geomspace(0.7, 6.0, 13), 2).tolist())  # in standard deviations


@dataclass(frozen=True)
class Found:
    """A row of the specification.

    Attributes:
        name: for people.
        field: of the nonidealities; or conv, linear for weight bits.
        kind: noise, clip or bits.
        limit: what was found.
        weights: with the fewest bits, for the test of all limits at once.
        full_scale: of those bits, in standard deviations.
    """

    name: str
    field: str
    kind: str
    limit: Limit
    weights: Weights | None = None
    full_scale: float | None = None


@dataclass(frozen=True)
class Requirement:
    """What the search is to meet: a loss of accuracy as a fraction, on so many draws, to a ratio."""

    target: float = 0.01
    draws: int = 10
    precision: float = 0.01


class Spec:
    """The search for every limit of one model.

    Args:
        weights: of the model.
        bench: with the test images; its testing nonidealities hold throughout.
        tuning: with training images, on which full scales are chosen.
        wanted: see there.
        full_scale: the largest output that layers are normalised to; scales the levels tried.
    """

    def __init__(
        self, weights: Weights, bench: Bench, tuning: Bench, wanted: Requirement, full_scale: float = 1.0
    ) -> None:
        self._weights, self._bench, self._tuning, self._wanted = weights, bench, tuning, wanted
        self._full_scale = full_scale
        self._resamples = Resamples(len(bench.labels), wanted.draws, bench.settings.seed)
        self._base = bench.settings.testing_nonidealities
        self.base = self._correct([Variant(weights, self._base, draw) for draw in range(wanted.draws)])[0]

    def rows(self) -> Iterator[Found]:
        """Every limit in turn."""
        for field, name in NOISES.items():
            yield Found(name, field, "noise", self._level(field, falling=False))
        for field, name in CLIPS.items():
            yield Found(name, field, "clip", self._level(field, falling=True))
        for kind, name in KINDS.items():
            yield self._fewest_bits(kind, name)

    def together(self, rows: Sequence[Found]) -> Limit:
        """The loss of all limits at once, with its interval; limits that do not exist or were not reached stay out."""
        levels: dict[str, Any] = {row.field: row.limit.value for row in rows if row.kind != "bits" and _is_limit(row)}
        weights = dict(self._weights)
        for row in rows:
            if row.weights is not None and _is_limit(row):
                changed = {name: w for name, w in row.weights.items() if w is not self._weights[name]}
                weights |= changed
        circuit = dataclasses.replace(self._base, **levels)
        correct = self._correct([Variant(weights, circuit, draw) for draw in range(self._wanted.draws)])
        return find_fewest(correct, self.base, [1.0], 1.0, self._resamples)

    def _level(self, field: str, *, falling: bool) -> Limit:
        scale = self._full_scale if field != "input_noise" and field != "conv2d_input_clip" else self.input_scale
        levels = MOST * scale * 0.5 ** np.arange(OCTAVES)
        ordered = levels.tolist() if falling else levels[::-1].tolist()
        wanted = self._wanted
        return find_level(
            self._test(field), self.base, ordered, wanted.target, self._resamples, precision=wanted.precision
        )

    @property
    def input_scale(self) -> float:
        """The largest magnitude that a normalised pixel can have."""
        scale = self._bench.settings.normalization
        return max(abs(scale.min_out), abs(scale.max_out)) or 1.0

    def _test(self, field: str) -> Callable[[Sequence[float]], Correct]:
        def test(levels: Sequence[float]) -> Correct:
            values: list[dict[str, Any]] = [{field: level} for level in levels]
            circuits = [dataclasses.replace(self._base, **value) for value in values]
            draws = range(self._wanted.draws)
            return self._correct([Variant(self._weights, circuit, draw) for circuit in circuits for draw in draws])

        return test

    def _fewest_bits(self, kind: str, name: str) -> Found:
        """Each number of bits at the full scale that is best on the training images."""
        from aanntwin.scripts.quantize import Levels, quantize_kind

        versions = [quantize_kind(self._weights, kind, Levels(bits, scale)) for bits in BITS for scale in FULL_SCALES]
        tuned = self._tuning.test_weights(versions)
        scores = tuned.accuracy.reshape(len(BITS), len(FULL_SCALES))
        losses = tuned.loss.reshape(scores.shape)
        best = [int(np.lexsort((loss, -score))[0]) for score, loss in zip(scores, losses, strict=True)]
        chosen = [versions[row * len(FULL_SCALES) + place] for row, place in enumerate(best)]
        draws = range(self._wanted.draws)
        correct = self._correct([Variant(weights, self._base, draw) for weights in chosen for draw in draws])
        limit = find_fewest(correct, self.base, BITS, self._wanted.target, self._resamples)
        if limit.value is None:
            return Found(name, kind, "bits", limit)
        row = BITS.index(int(limit.value))
        return Found(name, kind, "bits", limit, chosen[row], FULL_SCALES[best[row]])

    def _correct(self, variants: Sequence[Variant]) -> Correct:
        """(levels, draws, images) for variants in the order of levels and then draws."""
        found = self._bench.test(variants).correct
        return found.reshape(-1, self._wanted.draws, found.shape[1])


def _is_limit(row: Found) -> bool:
    return row.limit.value is not None and not row.limit.open
