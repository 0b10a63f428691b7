"""How many runs of a campaign train side by side, by measurement on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common.cli import build
from common.devices import set_threads
from common.errors import InputError
from common.inputs import read_json
from common.replicas.choose import choose_stack
from common.runs.files import write_json
from common.runs.spec import RunSpec
from corruption_study.campaign import families
from corruption_study.config import MODEL_TYPES, TrainConfig

NAME = "stack.json"
CPU_SIZES, CUDA_SIZES = (1, 2, 4), (1, 4, 16, 64, 256)
LARGEST = 100_000


@dataclass(frozen=True)
class Measured:
    """The measured times of a model family.

    Attributes:
        stack: how many runs side by side.
        step_s: of a training step, per run.
        test_s: of a test on all test images, per run.
        start_s: until the first step is done.
    """

    stack: int
    step_s: float
    test_s: float
    start_s: float


def stack_of(folder: Path, model_type: str) -> int:
    """The stack size in the campaign's stack.json; 1 without it."""
    return _known(folder).get(model_type, 1)


def settle_stacks(folder: Path, specs: Sequence[RunSpec], workers: int, wanted: int | None) -> int:
    """Write stack.json and return its largest size; sizes are `wanted`, else as recorded, else measured now."""
    known = _known(folder)
    for model_type, those in families(specs).items():
        if wanted is not None:
            known[model_type] = wanted
        elif len(those) <= workers:  # nothing to gain: each run gets its own worker
            known.setdefault(model_type, 1)
        elif model_type not in known:
            config = build(TrainConfig, dict(those[0].config))
            known[model_type] = measure(config, sizes_up_to(config, len(those) // workers)).stack
    write_json(folder / NAME, known)
    return max(known.values())


def _known(folder: Path) -> dict[str, int]:
    """Stack sizes by model type; empty without the file.

    Raises:
        InputError: it is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    found = read_json(path, "stack sizes")
    if not all(isinstance(size, int) and 1 <= size <= LARGEST for size in found.values()):
        raise InputError(f"stack sizes {path}: must be whole numbers from 1 to {LARGEST}; remove the file")
    return found


def sizes_up_to(config: TrainConfig, most: int) -> tuple[int, ...]:
    """The stack sizes to try on the run's device, ascending; 1 alone where stacking cannot pay."""
    if not config.use_cuda and not MODEL_TYPES.get(config.model_type).one_pass_on_cpu:
        return (1,)
    return tuple(size for size in (CUDA_SIZES if config.use_cuda else CPU_SIZES) if size <= max(most, 1))


def measure(config: TrainConfig, sizes: Sequence[int]) -> Measured:
    """Time some steps of stacks of several sizes in this process.

    Raises:
        InputError: no CUDA device.
    """
    import torch

    from corruption_study.trainer import Stack

    begun = time.perf_counter()
    if not config.use_cuda:
        set_threads(config.cpu_threads, libraries=("torch",))
    made: dict[int, Stack] = {}

    def make_step(size: int) -> Callable[[], None]:
        made.clear()  # the memory of one stack at a time
        stack = made[size] = Stack([replace(config, p=0.5, seed=seed) for seed in range(size)])
        batch = min(config.batch_size, len(stack.train_images))
        index = torch.randint(len(stack.train_images), (size, batch), device=stack.device)
        return lambda: stack.step(index)

    make_step(1)()
    start_s = time.perf_counter() - begun
    choice = choose_stack(make_step, sizes, finish=torch.cuda.synchronize if config.use_cuda else lambda: None)
    largest, stack = made.popitem()
    begun = time.perf_counter()
    stack.test()
    test_s = (time.perf_counter() - begun) / largest
    return Measured(choice.stack, choice.step_s[choice.stack], test_s, start_s)
