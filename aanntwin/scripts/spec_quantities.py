"""The imperfections of a circuit, one at a time: levels from harmless to harmful, and the variants to test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from aanntwin.config import NONIDEALITIES, Nonidealities
from aanntwin.nonidealities import users
from aanntwin.nonidealities.base import Nonideality
from aanntwin.scripts.quantize import Levels, quantize_kind
from aanntwin.scripts.spec_search import Limit, Resamples, find_fewest, find_level
from aanntwin.scripts.variants import Variant

if TYPE_CHECKING:
    from aanntwin.scripts.bench import Bench
    from aanntwin.scripts.spec_search import Correct
    from aanntwin.weights import Weights

KINDS = {"conv": "convolution weight bits", "linear": "linear weight bits"}
OCTAVES = 14
MOST = 8.0  # the largest noise and clip that are tried, in units of full scale
BITS = tuple(range(8, -1, -1))
FULL_SCALES = tuple(np.round(np.geomspace(0.7, 6.0, 13), 2).tolist())  # in standard deviations


@dataclass(frozen=True)
class Found:
    """A row of the specification.

    Attributes:
        title: its name in the table.
        name: of the nonideality, as an option or package.module:Name; or conv, linear for weight bits.
        nonideality: its class; None for weight bits.
        limit: result of the search.
        weights: with the fewest bits, for the test of all limits at once.
        full_scale: of those bits, in standard deviations.
    """

    title: str
    name: str
    nonideality: type[Nonideality] | None
    limit: Limit
    weights: Weights | None = None
    full_scale: float | None = None


@dataclass(frozen=True)
class Requirement:
    """Goal of the search: allowed loss of accuracy as a fraction, number of noise draws, relative precision."""

    target: float = 0.01
    draws: int = 10
    precision: float = 0.01


class Spec:
    """The search for every limit of one model.

    Args:
        weights: of the model.
        bench: with the test images; its testing nonidealities hold throughout.
        tuning: with training images, on which full scales are chosen.
        wanted: goal of the search.
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
        """Every limit in turn: of what gets worse as it rises, of what gets worse as it falls, of weight bits."""
        for rising in (True, False):
            for name, kind in quantities(self._base).items():
                if kind.rising is rising:
                    yield Found(kind.title(name), name, kind, self._level(name, kind))
        for name, title in KINDS.items():
            yield self._fewest_bits(name, title)

    def together(self, rows: Sequence[Found]) -> Limit:
        """The loss of all limits at once, with its interval; limits that were not found or not reached are left out."""
        weights, circuit = dict(self._weights), self._base
        for row in rows:
            if row.nonideality and _is_limit(row):
                circuit = circuit.with_level(row.name, row.limit.value)
            if row.weights is not None and _is_limit(row):
                changed = {name: w for name, w in row.weights.items() if w is not self._weights[name]}
                weights |= changed
        correct = self._correct([Variant(weights, circuit, draw) for draw in range(self._wanted.draws)])
        return find_fewest(correct, self.base, [1.0], 1.0, self._resamples)

    def _level(self, name: str, kind: type[Nonideality]) -> Limit:
        scale = self.input_scale if kind.of_image() else self._full_scale
        most = MOST * scale if kind.high is None else min(MOST * scale, kind.high)
        levels = most * 0.5 ** np.arange(OCTAVES)
        ordered = levels[::-1].tolist() if kind.rising else levels.tolist()
        wanted = self._wanted
        return find_level(
            self._test(name), self.base, ordered, wanted.target, self._resamples, precision=wanted.precision
        )

    @property
    def input_scale(self) -> float:
        """The largest magnitude that a normalised pixel can have."""
        scale = self._bench.settings.normalization
        return max(abs(scale.min_out), abs(scale.max_out)) or 1.0

    def _test(self, name: str) -> Callable[[Sequence[float]], Correct]:
        def test(levels: Sequence[float]) -> Correct:
            circuits = [self._base.with_level(name, level) for level in levels]
            draws = range(self._wanted.draws)
            return self._correct([Variant(self._weights, circuit, draw) for circuit in circuits for draw in draws])

        return test

    def _fewest_bits(self, kind: str, title: str) -> Found:
        """Each number of bits at the full scale that is best on the training images."""
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
            return Found(title, kind, None, limit)
        row = BITS.index(int(limit.value))
        return Found(title, kind, None, limit, chosen[row], FULL_SCALES[best[row]])

    def _correct(self, variants: Sequence[Variant]) -> Correct:
        """(levels, draws, images) for variants in the order of levels and then draws."""
        found = self._bench.test(variants).correct
        return found.reshape(-1, self._wanted.draws, found.shape[1])


def quantities(circuit: Nonidealities) -> dict[str, type[Nonideality]]:
    """All nonidealities that have a worst level, by name: ours, and the given ones of a user's own.

    The level given for the latter does not matter: the search replaces it.
    """
    own = {users.split(word)[0]: users.kind_of(word) for word in circuit.own}
    return {name: kind for name, kind in {**NONIDEALITIES, **own}.items() if kind.rising is not None}


def _is_limit(row: Found) -> bool:
    return row.limit.value is not None and not row.limit.open
