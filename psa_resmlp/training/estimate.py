"""Estimates of the time that trainings take, for --dry-run of psa-train and psa-sweep.

For a sweep, some architectures are measured, and the time of all is estimated from them.

The time of a meta-loop is modelled as a sum of non-negative terms: the arithmetic of the first layer and of the others
(whose products differ in shape), the signals that pass through memory, the number of layers (calls), and a constant.
Their coefficients are fitted to the measured architectures by least squares of relative errors; the largest of these
errors is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.cli import build
from common.devices import available_cores, resolve_device, set_threads
from common.experiment import Estimate, Start
from psa_resmlp.study.architectures import CLASSES, FAMILY_TITLES, INPUTS, Architecture
from psa_resmlp.study.data import load_study
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.model_folder import default_model_dir
from psa_resmlp.training.run_folder import has_begun

if TYPE_CHECKING:
    from common.runs.spec import RunSpec

MEASURED = 10
BASE_MiB = 700  # a worker with torch, numba and MNIST in memory


def shares(architecture: Architecture, family: str) -> NDArray[np.float64]:
    """The terms of the model for one image: first layer, other layers, signals, number of layers, one."""
    linears = architecture.linears(family)
    others = sum(inputs * outputs for inputs, outputs in linears[1:])
    signals = sum(outputs for _, outputs in linears)
    return np.array([INPUTS * linears[0][1], others, signals, len(linears), 1.0])


def fit(costs_AxS: NDArray[np.float64], seconds_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative coefficients of the terms in seconds, by least squares of relative errors."""
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
    """The estimated time of these runs on so many workers, from measurements of some; nothing is written."""
    configs = [build(TrainConfig, dict(spec.config)) for spec in todo]
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
            f"the fit is off by at most {max(map(abs, errors)):.0%} where it was measured",
        ]
    )


def of_training(configs: Sequence[TrainConfig], starts: Sequence[Start]) -> Estimate:
    """For psa-train --dry-run: where each trial would go on, and how long that takes."""
    from psa_resmlp.training.course import courses, lines
    from psa_resmlp.training.stacks import check_size, threads_for

    [config], [start] = configs, starts
    check_size(config)
    load_study(config.dataset, config.data_root)
    models = (config.model_dir or default_model_dir()).absolute()
    models = models / "(a new folder)" if config.fresh else models
    config = replace(config, arch=str(config.architecture), model_dir=models)
    every = courses(config, start.meta if has_begun(start.meta) else {})
    threads, workers = threads_for(config.architecture, config.threads or available_cores())
    workers = min(workers, config.trials)
    each_s, stack = measure(config.architecture, config, -(-config.trials // workers), threads)
    loops = sum(max(0, one.last - one.replica.loop) for one in every)
    family = config.family
    text = (
        f"{FAMILY_TITLES[family]} {config.architecture}: {config.architecture.parameters(family):,} parameters; "
        f"{each_s:.3g} s a meta-loop and trial, {stack} side by side, {workers} at a time"
    )
    MiB = BASE_MiB + _largest_MiB([config] * config.trials)
    files_MiB = config.trials * 8 * config.architecture.parameters(family) / 2**20
    return Estimate((*lines(config, every), text), loops * each_s / workers, memory_MiB=MiB, files_MiB=files_MiB)


def measure(architecture: Architecture, config: TrainConfig, together: int, threads: int = 1) -> tuple[float, int]:
    """Seconds of a meta-loop and trial at the best number side by side, and that number.

    Steps on random images are timed, the fastest ones counting; validation is estimated from the training steps.

    Args:
        architecture: the trials' architecture.
        config: further settings.
        together: how many trials there are.
        threads: number of threads of a step.
    """
    from psa_resmlp.model.images import ImageSet
    from psa_resmlp.training.replica import Replica
    from psa_resmlp.training.stacks import stack_choice

    set_threads(threads, libraries=("torch", "numba"))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (4 * config.batch_size, 28, 28), dtype=np.uint8)
    device = resolve_device(config.device)
    images = ImageSet(pixels, rng.integers(0, CLASSES, len(pixels)), device)
    modes = [MODE_NAMES[place * len(MODE_NAMES) // together] for place in range(together)]
    replicas = [
        Replica(replace(config, ablation_mode=mode), architecture, 1 + place, 0) for place, mode in enumerate(modes)
    ]
    choice = stack_choice(replicas, images, images, device, threads=threads)
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
    from psa_resmlp.training.stacks import MEMORY_MiB, replica_MiB

    counts = _together(configs)
    return max(
        # Stacks share MEMORY_MiB; the LKGs of all that train together come on top.
        max(MEMORY_MiB, replica_MiB(one, configs[0].family, configs[0].batch_size))
        + counts[one] * 8 * one.parameters(configs[0].family) / 2**20
        for one in counts
    )
