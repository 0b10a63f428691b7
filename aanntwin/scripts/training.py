"""Train for tools and sweeps, and print losses, tests, and a warning if nothing was learned."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aanntwin.config import N_CLASSES, Settings
from aanntwin.data import load_split
from aanntwin.engines import torch_lines
from aanntwin.trainer import evaluate, train_epochs
from aanntwin.weights import initial_weights
from common.guessing import guessing_line

if TYPE_CHECKING:
    from aanntwin.cache import Cache
    from aanntwin.trainer import Epoch
    from aanntwin.weights import Weights


@dataclass(frozen=True)
class Prints:
    """What a training prints to stdout.

    Attributes:
        print_rate: print the loss every `print_rate` steps; 0 never.
        test_each_epoch: print loss and accuracy on the test images after each epoch.
    """

    print_rate: int = 0
    test_each_epoch: bool = False

    def json(self) -> dict[str, Any]:
        """The values that are set, for the settings of a run."""
        return {name: value for name, value in vars(self).items() if value}

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Prints:
        """From the settings of a run."""
        return cls(config.get("print_rate", 0), config.get("test_each_epoch", False))


SILENT = Prints()


def train_and_print(settings: Settings, epochs: int, cache: Cache | None, prints: Prints = SILENT) -> Weights:
    """As `trainer.train`; a line goes to stderr if the first epoch has taught nothing, or a compiled kernel is
    missing.
    """
    for reason in torch_lines(settings):
        print(reason, file=sys.stderr)
    rate, batch, last = prints.print_rate, settings.train_params.batch_size, None

    def beat(done: int, count: int, loss: float) -> None:
        number = last.number + 1 if last else 1
        print(f"epoch {number}, step {-(-done // batch)}: loss {loss:.6f}", flush=True)

    ends = train_epochs(settings, epochs, cache=cache, beat=beat if rate else None, beat_images=rate * batch)
    for last in ends:
        if last.number == 1 and (line := guessing_line(1, last.loss, N_CLASSES)):
            print(line, file=sys.stderr)
        if prints.test_each_epoch:
            _test(last, settings)
    return last.read() if last else initial_weights(settings)


def _test(epoch: Epoch, settings: Settings) -> None:
    loss, accuracy = evaluate(epoch.read(), settings, *load_split(settings, train=False))
    print(f"epoch {epoch.number}:\nAverage Loss:  {loss:.6f}\nAccuracy:      {accuracy:.4%}", flush=True)
