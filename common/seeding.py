"""One seed per run, and from it as many independent named streams of random numbers as a run needs.

Streams are distinguished by name, not by the order in which they are made: a new consumer of random numbers
leaves all others as they were, and a replica or a sweep worker that asks for ``("init", 3)`` gets the same
numbers wherever it runs. Where a suite's published results prescribe their draws, those win over this module.

    rng = stream(seed, "shuffle", epoch)            # numpy
    generator = torch_generator(seed, "init", 3)    # torch
"""

from __future__ import annotations

import hashlib
import operator
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError

if TYPE_CHECKING:
    import torch

_WORDS_PER_NAME = 4  # 128 bits of hash: names do not collide by accident


def _words(name: str | int) -> tuple[int, ...]:
    """Return four 32-bit words for one name, the same in every process and Python version."""
    if isinstance(name, str):
        tagged = f"s:{name}"
    elif isinstance(name, (bool, np.bool_)):  # True would otherwise be the same stream as 1
        raise TypeError(f"a stream is named by strings and integers, not by {name!r}")
    else:
        try:
            tagged = f"i:{operator.index(name)}"
        except TypeError:
            raise TypeError(f"a stream is named by strings and integers, not by {name!r}") from None
    digest = hashlib.sha256(tagged.encode("utf-8")).digest()  # hash() differs from process to process
    return tuple(int.from_bytes(digest[4 * i : 4 * i + 4], "little") for i in range(_WORDS_PER_NAME))


def seed_sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """Return the numpy SeedSequence of the stream `names` under `seed`.

    Every name adds a fixed number of words to the spawn key, so ``("a", "b")`` and ``("ab",)`` differ, as do
    ``("1",)`` and ``(1,)``, and a sequence's own ``spawn()`` never meets a named one. Without names this is
    the root, ``SeedSequence(seed)``, whose numbers are those of ``np.random.default_rng(seed)``.

    Raises:
        InputError: the seed is not an integer of 0 or more.
        TypeError: a name is neither a string nor an integer.
    """
    try:
        entropy = operator.index(seed)
    except TypeError:
        raise InputError(f"seed is {seed!r}, allowed: an integer of 0 or more") from None
    if entropy < 0:
        raise InputError(f"seed is {entropy}, allowed: an integer of 0 or more")
    return np.random.SeedSequence(entropy, spawn_key=[word for name in names for word in _words(name)])


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return a numpy Generator (PCG64) of its own for the stream `names` under `seed`.

    Two calls with equal arguments return two generators that draw equal numbers. Errors as `seed_sequence`.
    """
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, *names)))


def torch_generator(seed: int, *names: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a torch.Generator on `device` for the stream `names` under `seed`.

    A CPU and a GPU generator of one name draw different numbers: torch uses another algorithm on each. On the
    CPU torch keeps 32 bits of a seed, so among thousands of streams two may coincide (a chance of 1 in 1000
    for 3000 of them); draw with `stream` where that matters. Errors as `seed_sequence`.
    """
    import torch

    state = seed_sequence(seed, *names).generate_state(1, np.uint64)
    generator = torch.Generator(device=device)
    # torch takes a signed 64-bit integer everywhere, an unsigned one only on some devices.
    generator.manual_seed(int(state[0] >> np.uint64(1)))
    return generator
