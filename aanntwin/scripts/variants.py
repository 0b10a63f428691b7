"""Test many variants of a model at once: what they have in common is computed once.

A variant is a set of weights, nonidealities, and the number of a noise draw. The model is a list of steps; variants
that agree in all that a step and those before it read share its output. A thousand levels of noise on the logits then
cost one pass through the layers, and variants of the last layer's weights one pass through the convolution.

Noise is drawn as common random numbers: a draw has one standard normal array per noise step, which every level scales.
So levels are compared on the same draws, and a curve over levels is as smooth as the model allows; different draws
are independent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from aanntwin.nonidealities.base import SITES
from aanntwin.scripts.variant_steps import Chunk, Step, Variant, steps_of
from common.errors import RunError
from common.seeding import torch_generator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aanntwin.config import ModelParams

CHUNK_VALUES = 2**18  # of the largest activation: it and its noise stay in a core's cache


@dataclass(frozen=True, eq=False)
class Tested:
    """The results of the tests, a row per variant.

    Attributes:
        loss: (variants,) mean cross-entropy.
        correct: (variants, images) whether each image was classified correctly.
    """

    loss: NDArray[np.float64]
    correct: NDArray[np.bool_]

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """(variants,) from 0 to 1."""
        found: NDArray[np.float64] = self.correct.mean(axis=1)
        return found


def evaluate_variants(
    variants: Sequence[Variant],
    params: ModelParams,
    images: Tensor,
    labels: Tensor,
    *,
    seed: int,
    relu_after_conv_only: bool = False,
    threads: int = 1,
    advance: Callable[[int], None] = lambda images: None,
) -> Tested:
    """Test every variant on the same images.

    Args:
        variants: of one architecture.
        params: stride, padding and pool size; all other sizes are those of the weights.
        images: (N, C, H, W), normalised.
        labels: (N,) integers.
        seed: of the noise; the numbers depend on it and on the draw, not on the other variants.
        relu_after_conv_only: keep relu_cutoff and relu_out_noise from the ReLUs of the linear layers.
        threads: number of chunks computed at a time; the results do not depend on it.
        advance: called with the number of images done after every chunk.

    Raises:
        RunError: a loss is not finite.
    """
    steps = steps_of(variants[0].weights, params, relu_after_conv_only=relu_after_conv_only)
    loss = torch.zeros(len(variants), dtype=torch.float64)
    correct = torch.zeros(len(variants), len(images), dtype=torch.bool)
    size = chunk_size(variants[0].weights, params, images)

    def test(first: int) -> list[tuple[list[int], Tensor, Tensor]]:
        def generator(step: str, draw: int) -> torch.Generator:
            return torch_generator(seed, "test noise", step, draw, first)

        chunk, target = Chunk(images[first : first + size], generator), labels[first : first + size]
        with torch.no_grad():
            outputs = _outputs(steps, 0, chunk.x, chunk, list(enumerate(variants)))
            return [(numbers, *_score(logits, target)) for numbers, logits in outputs]

    firsts = range(0, len(images), size)
    with _one_thread_each(), ThreadPoolExecutor(threads) as pool:
        for first, scores in zip(firsts, pool.map(test, firsts), strict=True):
            for numbers, total, hits in scores:
                loss[numbers] += total
                correct[numbers, first : first + size] = hits
            advance(min(size, len(images) - first))
    if not loss.isfinite().all():
        raise RunError(f"test: loss is not finite with {_what(variants[int(loss.isfinite().int().argmin())])}")
    return Tested((loss / len(images)).numpy(), correct.numpy())


def _what(variant: Variant) -> str:
    """The nonidealities that act, for a message."""
    given = ", ".join(f"{each.name} {each.level}" for each in variant.nonidealities.acting(*SITES) if each.level)
    return f"{given or 'an ideal circuit'} (draw {variant.draw + 1}); it or the weights are too large"


def _score(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of losses, and which images were classified correctly."""
    total = functional.cross_entropy(logits, target, reduction="sum").double().cpu()
    return total, (logits.argmax(dim=1) == target).cpu()


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Set torch to one thread: with tensors as small as a chunk's, its threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def chunk_size(weights: Mapping[str, Tensor], params: ModelParams, images: Tensor) -> int:
    """How many images go through the layers together."""
    channels, _, kernel, _ = weights["conv2d_weight"].shape
    side = (images.shape[-1] + params.stride + 2 * params.padding - kernel) // params.stride
    return max(16, CHUNK_VALUES // max(images[0].numel(), channels * side * side))


def _outputs(
    steps: Sequence[Step], place: int, x: Tensor, chunk: Chunk, variants: Sequence[tuple[int, Variant]]
) -> Iterator[tuple[list[int], Tensor]]:
    """The logits of variants that agree in all steps before `place`, with the numbers of those that share them."""
    if place == len(steps):
        yield [number for number, _ in variants], x
        return
    step = steps[place]
    groups: dict[Hashable, list[tuple[int, Variant]]] = {}
    for number, variant in variants:
        groups.setdefault(step.key(variant), []).append((number, variant))
    for group in groups.values():
        yield from _outputs(steps, place + 1, step.apply(x, group[0][1], chunk), chunk, group)


__all__ = ["Tested", "Variant", "chunk_size", "evaluate_variants"]
