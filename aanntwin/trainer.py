"""Train and test a twin: epochs in the cache are read, the others trained by the compiled or the PyTorch engine."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.arrays import Arrays, as_array, as_arrays, as_tensors
from aanntwin.config import Nonidealities, Settings
from aanntwin.data import load_split
from aanntwin.engine import Engine
from aanntwin.engines import engine_name, make_engine, tester
from common.errors import RunError
from common.seeding import stream

if TYPE_CHECKING:
    from torch import Tensor

    from aanntwin.cache import Cache
    from aanntwin.model import Model

Weights = dict[str, "Tensor"]
# Called with (images done, images in all, mean loss so far) of an epoch; it may raise Interrupted.
Beat = Callable[[int, int, float], None]
ADVICE = "lower the learning rate, or the noises and ranges if they are large"


@dataclass(frozen=True)
class Epoch:
    """The end of an epoch.

    Attributes:
        number: from 1.
        loss: mean training loss over the epoch.
        cached: whether it came from the cache.
        arrays: gives its weights as arrays, without loading torch where they were trained now by compiled kernels.
    """

    number: int
    loss: float
    cached: bool
    arrays: Callable[[], Arrays]

    def read(self) -> Weights:
        """Its weights as tensors."""
        return as_tensors(self.arrays())


def train(
    settings: Settings,
    epochs: int,
    *,
    cache: Cache | None = None,
    beat: Beat | None = None,
    model: Model | None = None,
    beat_images: int = 0,
) -> Weights:
    """The weights after `epochs` epochs (0: the initial ones), on the CPU, float32, by their names on file.

    Args:
        settings: what to train; its testing nonidealities do not matter.
        epochs: in total, those in the cache included.
        cache: where each epoch's weights are read and stored; None trains from the start and stores nothing.
        beat: called often, for progress; it may raise to stop the training, and the epochs on disk remain.
        model: your own PyTorch model, trained from its present weights, by PyTorch and without cache.
        beat_images: images from one call of beat to the next; 0 for about a tenth of a second.

    Raises:
        InputError: settings do not fit, or the data set is missing.
        RunError: the loss, or a weight after an epoch, is not finite; names epoch and step.
    """
    ends = train_epochs(settings, epochs, cache=cache, beat=beat, model=model, beat_images=beat_images)
    last = collections.deque(ends, maxlen=1)
    return last[0].read() if last else as_tensors(make_engine(settings, model).state()[0])


def train_epochs(
    settings: Settings,
    epochs: int,
    *,
    cache: Cache | None = None,
    beat: Beat | None = None,
    model: Model | None = None,
    beat_images: int = 0,
    after: int = 0,
) -> Iterator[Epoch]:
    """Every epoch in turn, cached ones too; arguments and errors as `train`.

    The first `after` epochs are skipped; the last of these must be in the cache.
    """
    if model is not None and cache is not None:
        raise ValueError("the cache knows settings only; train a model of your own without it")
    known = cache.known(settings) if cache else {}
    done = after
    while done < epochs and done + 1 in known:
        done += 1
        yield Epoch(done, known[done], True, lambda number=done: _cached(cache, settings, number))  # type: ignore[misc]
    if done == epochs:
        return
    engine = make_engine(settings, model)
    if done:
        assert cache is not None
        engine.load(*cache.arrays(settings, done))
    images, labels = load_split(settings, train=True)
    engine.bind(images, labels)
    for number in range(done + 1, epochs + 1):
        loss = _one_epoch(engine, settings, len(labels), number, beat, beat_images)
        weights, velocity = engine.state()
        _check_weights(weights, number, -(-len(labels) // settings.train_params.batch_size))
        if cache:
            cache.store(settings, number, weights, velocity, loss)
        yield Epoch(number, loss, False, lambda weights=weights: as_arrays(weights))  # type: ignore[misc]


def _check_weights(weights: Mapping[str, Any], number: int, step: int) -> None:
    for name, value in weights.items():
        if not np.isfinite(as_array(value)).all():
            raise RunError(f"epoch {number}, step {step}: {name} is not finite; {ADVICE}")


def _cached(cache: Cache | None, settings: Settings, number: int) -> Arrays:
    assert cache is not None
    return cache.arrays(settings, number)[0]


def epoch_order(settings: Settings, count: int, number: int) -> NDArray[np.int64]:
    """The order of images in an epoch: as in the file, or with shuffle a permutation drawn from seed and epoch."""
    if not settings.shuffle:
        return np.arange(count)
    return stream(settings.seed, "aanntwin", "order", number).permutation(count)


def _one_epoch(
    engine: Engine, settings: Settings, count: int, number: int, beat: Beat | None, beat_images: int
) -> float:
    order, batch = epoch_order(settings, count, number), settings.train_params.batch_size
    chunk = -(-(beat_images or engine.images_a_beat) // batch) * batch
    total = 0.0
    for start in range(0, count, chunk):
        stop = min(start + chunk, count)
        loss, bad = engine.train(order, start, stop, number)
        if bad >= 0:
            raise RunError(f"epoch {number}, step {bad // batch + 1}: loss is not finite; {ADVICE}")
        total += loss
        if beat:
            beat(stop, count, total / stop)
    return total / count


def evaluate(
    weights: Mapping[str, Any],
    settings: Settings,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    *,
    nonidealities: Nonidealities | None = None,
    draw: int = 0,
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (0 to 1) of weights on images (N, C, H, W), (N, H, W) or (N, H, W, 3) of bytes.

    Args:
        weights: by their names on file.
        settings: shape, normalization, compat, seed, engine and threads.
        images, labels: what to test on.
        nonidealities: of the test; None for settings.testing_nonidealities.
        draw: number of the noise draw; the same draw is the same noise for any weights.

    Raises:
        InputError: the weights do not fit the model.
        RunError: the loss is not finite.
    """
    wanted = settings.testing_nonidealities if nonidealities is None else nonidealities
    return evaluate_many(weights, settings, images, labels, [wanted], first_draw=draw)[0][0]


def evaluate_many(
    weights: Mapping[str, Any],
    settings: Settings,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    nonidealities: Sequence[Nonidealities],
    draws: int = 1,
    first_draw: int = 0,
) -> list[list[tuple[float, float]]]:
    """For each of the nonidealities, (loss, accuracy) of each draw; see `evaluate`. Without noise, one test serves all.

    Errors as `evaluate`.
    """
    test = tester(weights, settings, images, labels)
    found = []
    for circuit in nonidealities:
        several = draws if circuit.noisy else 1
        results = [test(circuit, first_draw + draw) for draw in range(several)]
        found.append(results * (draws // several))
    return found


__all__ = ["Epoch", "engine_name", "epoch_order", "evaluate", "evaluate_many", "train", "train_epochs"]
