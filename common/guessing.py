"""Has a training learned anything? A classifier that guesses has a cross-entropy of ln(number of classes)."""

from __future__ import annotations

import math

TOLERANCE = 0.005  # of ln(classes); the first epoch of a network that learns leaves it far behind


def guessing_line(epoch: int, loss: float, n_classes: int = 10) -> str | None:
    """A warning for the log if the mean cross-entropy (nats) after `epoch` is that of guessing; None if it is not.

    A loss above that of guessing counts too: such a network is worse than one that answers at random.
    """
    chance = math.log(n_classes)
    if loss < chance * (1 - TOLERANCE):
        return None
    return (
        f"warning: nothing learned after epoch {epoch}: the loss {loss:.4f} is not below that of guessing "
        f"(ln {n_classes} = {chance:.4f}); check the learning rate, the noises and the units of what goes in"
    )
