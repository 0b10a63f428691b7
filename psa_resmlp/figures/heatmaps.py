"""Six heat maps over the design space: a coloured cell for every architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.plotting import style
from psa_resmlp.figures.cells import draw_cells, draw_legend
from psa_resmlp.figures.scales import accuracy_scale, effect_scale, parameter_scale, spread_scale
from psa_resmlp.figures.space import draw_axes
from psa_resmlp.study.architectures import FAMILY_TITLES, Architecture
from psa_resmlp.study.modes import get_mode, with_study
from psa_resmlp.tables.accuracy import winners
from psa_resmlp.tables.paired import PairedTest, paired_test
from psa_resmlp.tables.regimes import REGIMES, SECOND, get_all_regime_classifications
from psa_resmlp.tables.study import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL = 0.05
TIE = "#F2ECD0"
REGIME_COLORS = dict(zip(REGIMES, ("#009E73", "#E69F00", "#0072B2", "#A63A14", "#D0D0D0"), strict=True))
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Input:
    """Input of the figures: a study, the architectures, the accuracy of always naming the largest class, the rules."""

    study: Study
    architectures: Sequence[Architecture]
    zeror: float
    classifier: str = SECOND


def draw(name: str, data: Input) -> Figure:
    """One of the figures in HEATMAPS."""
    with style():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(7.0, 6.4))
        ax = fig.subplots()
        ax.grid(False)
        draw_axes(ax, data.architectures, data.study.family)
        title = HEATMAPS[name](ax, data)
        ax.set_title(f"{FAMILY_TITLES[data.study.family]}: {title}")
    return fig


def _baseline(ax: Axes, data: Input) -> str:
    means = {one: summary.mean for one in data.architectures if (summary := data.study.summary(one, "none"))}
    text = {one: f"{value:.1f}" for one, value in means.items()}
    draw_cells(ax, data.architectures, means, accuracy_scale(means.values()), text)
    return f"best validation accuracy without ablation, mean of {_trials(data, ['none'])}"


def _effects(ax: Axes, data: Input) -> str:
    tests = {one: test for one in data.architectures if (test := paired_test(data.study.pairs(one, "full", "none")))}
    effects = {one: test.mean for one, test in tests.items()}
    text = {one: _effect(value) for one, value in effects.items()}
    open_ = [one for one, test in tests.items() if not test.significant(LEVEL)]
    draw_cells(ax, data.architectures, effects, effect_scale(effects.values()), text, hatched=open_)
    counts = f"{_better(tests, 1)} better, {_better(tests, -1)} worse, {len(open_)} neither"
    draw_legend(ax, {f"not significant\n(paired t-test, p ≥ {LEVEL})": None}, hatched=True)
    return f"accuracy with full ablation less without ({counts})"


def _better(tests: Mapping[Architecture, PairedTest], sign: int) -> int:
    return sum(test.significant(LEVEL) and sign * test.mean > 0 for test in tests.values())


def _effect(value: float) -> str:
    return f"{value:+.0f}" if abs(value) >= 9.95 else f"{value:+.1f}".replace("-", "\N{MINUS SIGN}")


def _instability(ax: Axes, data: Input) -> str:
    largest, modes = {}, with_study(data.study.modes())
    for one in data.architectures:
        found = [summary.std for mode in modes if (summary := data.study.summary(one, mode))]
        if found:
            largest[one] = max(found)
    text = {one: f"{value:.1f}" for one, value in largest.items()}
    draw_cells(ax, data.architectures, largest, spread_scale(largest.values()), text)
    return f"largest standard deviation of the accuracy among the {_number(len(modes))} modes"


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _winning(ax: Axes, data: Input) -> str:
    colors, text, modes = {}, {}, with_study(data.study.modes())
    for one in data.architectures:
        found = {mode: summary for mode in modes if (summary := data.study.summary(one, mode))}
        won = winners(found)
        if won:
            colors[one] = get_mode(won[0]).color if len(won) == 1 else TIE
            text[one] = "\n".join(get_mode(mode).short for mode in won) if len(won) <= 3 else f"{len(won)}"
    draw_cells(ax, data.architectures, colors, None, text)
    legend = {mode.title: mode.color for mode in map(get_mode, modes)}
    draw_legend(ax, {**legend, "tie (within 0.01; their names,\nor how many)": TIE})
    return "mode with the best mean accuracy"


def _parameters(ax: Axes, data: Input) -> str:
    counts = {one: float(one.parameters(data.study.family)) for one in data.architectures}
    text = {one: _count(value) for one, value in counts.items()}
    draw_cells(ax, data.architectures, counts, parameter_scale(counts.values()), text)
    return "number of parameters, matched and asymmetric designs"


def _count(value: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * size:
            short = value / size
            return f"{short:.0f}{unit}" if short >= 9.95 else f"{short:.1f}{unit}"
    return f"{value:.0f}"


def _regimes(ax: Axes, data: Input) -> str:
    regimes = get_all_regime_classifications(data.architectures, data.study, data.zeror, data.classifier)
    colors = {one: REGIME_COLORS[regimes[one.name]] for one in data.architectures}
    draw_cells(ax, data.architectures, colors, None, {})
    counts = {regime: list(regimes.values()).count(regime) for regime in REGIMES}
    shown = [regime for regime in REGIMES if counts[regime] or regime != "unknown"]
    draw_legend(ax, {f"{regime.replace('-', ' ')} ({counts[regime]})": REGIME_COLORS[regime] for regime in shown})
    return "regimes" if data.classifier == SECOND else f"regimes by the {data.classifier} paper's rules"


def _trials(data: Input, modes: Sequence[str]) -> str:
    numbers = [len(data.study.trials(one, mode)) for one in data.architectures for mode in modes]
    present = [number for number in numbers if number] or [0]
    low, high = min(present), max(present)
    return f"{low} trials" if low == high else f"{low} to {high} trials"


HEATMAPS: dict[str, Callable[[Any, Input], str]] = {
    "Baseline_Performance": _baseline,
    "Ablation_Effects": _effects,
    "Instability": _instability,
    "Winning_Strategy": _winning,
    "Parameter_Matching": _parameters,
    "Regimes": _regimes,
}
