"""The regime of every architecture, by the study's rules.

B are the baseline modes none, decay and dropout; P the modes with ablation. b and p are the means of their mode means,
s_B and s_P the population deviations of the mode means, at least 0.5; Z is the validation accuracy of always naming
the largest class. The first rule that holds decides; an architecture without trials in some mode is unknown.

1. untrainable: no trial of any mode above Z; or every mean of B and P and every trial of P at most Z.
2. beneficial-regularization: all B means within s_B of b, and either all P means within s_B of b, or the best P mean
   reaches the worst B mean plus 0.01.
3. optimally-sized: p < b - s_B; or the best trial is of B, and p <= b; or all B means within s_B of b, all P means
   within s_P of p, p < b, the best P mean no higher than the worst B mean, and b - p > 0.1.
4. chaotic-optimization: no trial of B above Z and some of P above it; or p > b + 0.5.
5. unknown.

These are the rules of the second paper. The first paper's have two more: no regime is beneficial in which some P mean
is above b + s_B (a veto of rule 2; the later ones still apply), and an architecture is also chaotic by rule 4 if the
trials of some B mode have a deviation of more than 15 points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError
from psa_resmlp.study.architectures import Architecture, parse, read_configurations
from psa_resmlp.study.data import MNIST_VALIDATION_ZEROR
from psa_resmlp.study.modes import ABLATIVE_MODES, BASELINE_MODES, MODE_NAMES
from psa_resmlp.tables.files import read_study
from psa_resmlp.tables.study import Study, Summary, summarise

REGIMES = ("beneficial-regularization", "optimally-sized", "chaotic-optimization", "untrainable", "unknown")
FIRST, SECOND = "first", "second"
CLASSIFIERS = (FIRST, SECOND)
LEAST_STD = 0.5
LARGEST_STD = 15.0
# Accuracies have two decimals, but the mean of ten times 11.02 need not be 11.02 in floating point: differences below
# this count as 0.
_EQUAL = 1e-9


def classify(
    trials: Mapping[str, Sequence[float]], zeror: float = MNIST_VALIDATION_ZEROR, classifier: str = SECOND
) -> str:
    """The regime of one architecture.

    Args:
        trials: mode name -> accuracies of its trials, percent.
        zeror: validation accuracy of always naming the largest class, percent.
        classifier: whose rules, one of CLASSIFIERS: the first paper's or the second's.

    Returns:
        One of REGIMES.

    Raises:
        InputError: no such classifier.
    """
    if classifier not in CLASSIFIERS:
        raise InputError(f"classifier is {classifier!r}, allowed: {', '.join(CLASSIFIERS)}")
    found = {mode: summarise(trials.get(mode, ())) for mode in MODE_NAMES}
    complete = {mode: summary for mode, summary in found.items() if summary}
    if len(complete) < len(MODE_NAMES):
        return "unknown"
    base = _Group.of([complete[mode] for mode in BASELINE_MODES])
    ablated = _Group.of([complete[mode] for mode in ABLATIVE_MODES])
    if _untrainable(base, ablated, zeror):
        return "untrainable"
    vetoed = classifier == FIRST and _above(max(ablated.means), base.mean + base.std)
    if _beneficial(base, ablated) and not vetoed:
        return "beneficial-regularization"
    if _optimal(base, ablated):
        return "optimally-sized"
    unsteady = classifier == FIRST and any(_above(complete[mode].std, LARGEST_STD) for mode in BASELINE_MODES)
    return "chaotic-optimization" if _chaotic(base, ablated, zeror) or unsteady else "unknown"


@dataclass(frozen=True)
class _Group:
    """Three modes: their means, the mean of those, their deviation (0.5 or more), and the best trial of all."""

    means: tuple[float, ...]
    mean: float
    std: float
    best: float

    @classmethod
    def of(cls, modes: Sequence[Summary]) -> _Group:
        means = summarise([mode.mean for mode in modes])
        assert means is not None
        best = max(mode.high for mode in modes)
        return cls(tuple(mode.mean for mode in modes), means.mean, max(means.std, LEAST_STD), best)

    def within(self, std: float, mean: float) -> bool:
        return all(_at_most(abs(value - mean), std) for value in self.means)

    @property
    def consistent(self) -> bool:
        return self.within(self.std, self.mean)


def _above(value: float, limit: float) -> bool:
    return value > limit + _EQUAL


def _at_most(value: float, limit: float) -> bool:
    return not _above(value, limit)


def _untrainable(base: _Group, ablated: _Group, zeror: float) -> bool:
    if _at_most(max(base.best, ablated.best), zeror):
        return True
    return all(_at_most(mean, zeror) for mean in base.means + ablated.means) and _at_most(ablated.best, zeror)


def _overlap(base: _Group, ablated: _Group) -> float:
    return max(ablated.means) - min(base.means)


def _beneficial(base: _Group, ablated: _Group) -> bool:
    return base.consistent and (ablated.within(base.std, base.mean) or _at_most(0.01, _overlap(base, ablated)))


def _optimal(base: _Group, ablated: _Group) -> bool:
    if _above(base.mean - base.std, ablated.mean):
        return True
    if _above(base.best, ablated.best) and _at_most(ablated.mean, base.mean):
        return True
    harm = base.mean - ablated.mean
    apart = _at_most(_overlap(base, ablated), 0.0)
    return base.consistent and ablated.consistent and apart and _above(harm, 0.1)


def _chaotic(base: _Group, ablated: _Group, zeror: float) -> bool:
    rescued = _at_most(base.best, zeror) and _above(ablated.best, zeror)
    return rescued or _above(ablated.mean, base.mean + 0.5)


def get_all_regime_classifications(
    configurations: str | Path | Iterable[str | Architecture],
    trials: str | Path | Study,
    zeror: float = MNIST_VALIDATION_ZEROR,
    classifier: str = SECOND,
) -> dict[str, str]:
    """The regimes of many architectures.

    Args:
        configurations: names such as "1*2048", or a text file with one a line.
        trials: a trials table: read already, or its file, or the folder that holds it.
        zeror, classifier: as in `classify`.

    Returns:
        Name -> one of REGIMES, in the order given; architectures that the table lacks are unknown.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    if isinstance(configurations, (str, Path)):
        wanted = read_configurations(configurations)
    else:
        wanted = [parse(one) if isinstance(one, str) else one for one in configurations]
    study = trials if isinstance(trials, Study) else read_study(trials)
    return {
        one.name: classify({mode: study.values(one, mode) for mode in MODE_NAMES}, zeror, classifier) for one in wanted
    }
