"""psa-sweep --dry-run: measure some architectures, and from them say what all take on this machine.

The time of a meta-loop is close to a sum of non-negative shares: of the arithmetic of the first layer and of the others
(whose products differ in shape), of the signals that pass through memory, of the number of layers (calls), and a fixed
one. The shares are fitted to the measured architectures, smallest relative errors squared; the largest of these errors
is part of the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from psa_resmlp.architectures import CLASSES, INPUTS, Architecture
from psa_resmlp.config import TrainConfig

if TYPE_CHECKING:
    from common.runs.spec import RunSpec

MEASURED = 10
BASE_MiB = 700  # a worker with torch, numba and MNIST in memory


def shares(architecture: Architecture, family: str) -> NDArray[np.float64]:
    """What a training step of one image costs: first layer, other layers, signals, layers, one."""
    linears = architecture.linears(family)
    others = sum(inputs * outputs for inputs, outputs in linears[1:])
    signals = sum(outputs for _, outputs in linears)
    return np.array([INPUTS * linears[0][1], others, signals, len(linears), 1.0])


def fit(costs_AxS: NDArray[np.float64], seconds_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative seconds per share, with the smallest relative errors."""
    from scipy.optimize import nnls

    scale_S = costs_AxS.max(0)
    found, _ = nnls(costs_AxS / scale_S / seconds_A[:, None], np.ones(len(seconds_A)))
    return np.asarray(found / scale_S)


def representatives(architectures: Sequence[Architecture], family: str, count: int = MEASURED) -> list[Architecture]:
    """Some architectures from the fewest parameters to the most, in equal steps of their order, and the deepest."""
    ordered = sorted(dict.fromkeys(architectures), key=lambda one: (one.parameters(family), one.depth))
    if len(ordered) <= count:
        return ordered
    places = np.linspace(0, len(ordered) - 1, count - 2).round().astype(int)
    deep = sorted(ordered, key=lambda one: -one.depth)
    return list(dict.fromkeys([*(ordered[place] for place in places), deep[0], deep[len(deep) // 8]]))


def describe(todo: Sequence[RunSpec], workers: int) -> str:
    """About how long these runs take on so many workers, after measuring some; nothing is written."""
    configs = [_config(spec) for spec in todo]
    family = configs[0].family
    together = _together(configs)
    chosen = representatives([config.architecture for config in configs], family)
    measured = [measure(one, next(c for c in configs if c.architecture == one), together[one]) for one in chosen]
    per_share = fit(np.array([shares(one, family) for one in chosen]), np.array([seconds for seconds, _ in measured]))
    lines = [f"measured here, one thread, {together[chosen[0]]} or fewer trials of an architecture together:"]
    errors = []
    for one, (seconds, stack) in zip(chosen, measured, strict=True):
        errors.append(shares(one, family) @ per_share / seconds - 1)
        lines.append(
            f"  {one.name}: {seconds:.3g} s a meta-loop and trial, {stack} side by side (fit {errors[-1]:+.0%})"
        )
    known = dict(zip(chosen, (seconds for seconds, _ in measured), strict=True))
    total = sum(
        config.meta_loops * known.get(config.architecture, float(shares(config.architecture, family) @ per_share))
        for config in configs
    )
    files = sum(8 * config.architecture.parameters(family) + 300 * config.meta_loops for config in configs) / 2**20
    memory = workers * (BASE_MiB + _largest_MiB(configs))
    return "\n".join(
        [
            *lines,
            f"about {total / workers / 3600:.3g} hours on {workers} worker(s) ({total / 3600:.3g} core hours), "
            f"up to {memory:.0f} MiB of memory, {files:.0f} MiB of files; "
            f"architectures that were not measured are good to about {max(map(abs, errors)):.0%}",
        ]
    )


def measure(architecture: Architecture, config: TrainConfig, together: int) -> tuple[float, int]:
    """Seconds of a meta-loop and trial at the best number side by side, and that number.

    Steps on random images are timed, the fastest of some counts; validation is reckoned from the forward pass.
    """
    from dataclasses import replace

    import torch

    from common.devices import set_threads
    from psa_resmlp.images import ImageSet
    from psa_resmlp.job import Job
    from psa_resmlp.modes import MODE_NAMES
    from psa_resmlp.session import stack_choice

    set_threads(1, libraries=("torch", "numba"))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4 * config.batch_size, 28, 28), dtype=np.uint8)
    images = ImageSet(pixels, rng.integers(0, CLASSES, len(pixels)), torch.device("cpu"))
    modes = [MODE_NAMES[place * len(MODE_NAMES) // together] for place in range(together)]
    jobs = [Job(replace(config, ablation_mode=mode), architecture, 1 + place, 0) for place, mode in enumerate(modes)]
    choice = stack_choice(jobs, images, images, torch.device("cpu"))
    # Validation passes 10,000 images forward where training passes 50,000 forward and, at twice the price, backward.
    steps = TRAIN_IMAGES[config.dataset] / config.batch_size
    return choice.step_s[choice.stack] * steps * (1 + 1 / 15), choice.stack


TRAIN_IMAGES = {"mnist": 50_000, "digits": 1_198}


def _together(configs: Sequence[TrainConfig]) -> dict[Architecture, int]:
    counts: dict[Architecture, int] = {}
    for config in configs:
        counts[config.architecture] = counts.get(config.architecture, 0) + 1
    return counts


def _largest_MiB(configs: Sequence[TrainConfig]) -> float:
    from psa_resmlp.session import MEMORY_MiB, replica_MiB

    counts = _together(configs)
    return max(
        # Stacks share MEMORY_MiB; the LKGs of all that train together come on top.
        max(MEMORY_MiB, replica_MiB(one, configs[0].family, configs[0].batch_size))
        + counts[one] * 8 * one.parameters(configs[0].family) / 2**20
        for one in counts
    )


def _config(spec: RunSpec) -> TrainConfig:
    from common.cli import build
    from psa_resmlp.sweep import typed

    return build(TrainConfig, typed(spec.config))
