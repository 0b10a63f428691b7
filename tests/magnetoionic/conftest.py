"""Commands as processes or in this process, tiny networks, and a peer of the update rule in plain Python."""

import itertools
import math

import numpy as np
import pytest

from magnetoionic.curves import DOUBLE
from magnetoionic.images import batches
from magnetoionic.network import Network, Noise
from magnetoionic.pairs import PairLayer
from magnetoionic.rule import Rule


@pytest.fixture
def some_images():
    """64 images of 28x28 bytes, a fifth of them not zero, with a border that is always empty; and labels."""
    rng = np.random.default_rng(5)
    images = np.where(rng.random((64, 28, 28)) < 0.2, rng.integers(1, 256, (64, 28, 28)), 0).astype(np.uint8)
    images[:, :3] = 0
    return images, rng.integers(0, 10, 64)


@pytest.fixture
def make_network():
    """A network of pairs on the kernels, and its layers."""

    def make(
        sizes=(1024, 24, 10), field="double-linear", rule=None, var=0.2, noise=None, seed=3, batch_size=32, curve=None
    ):
        rule, noise = rule or Rule(1000.0), noise or Noise(0.0, 0.0)
        curve = curve or DOUBLE[field]
        shapes = enumerate(itertools.pairwise(sizes), 1)
        layers = [PairLayer(shape, curve, rule, 0.01, var, seed, "layer", k) for k, shape in shapes]
        return Network(layers, noise, 0.001, rule.lr, seed, batch_size), layers

    return make


@pytest.fixture
def some_batches(some_images):
    """Two batches of 32 with currents of up to 0.001."""
    return batches(*some_images, 32, 0.001)


@pytest.fixture
def slow_pair():
    """The published update of one pair of devices, in plain Python numbers, straight from its description.

    Takes the values, their gradients, their variabilities and the rule; returns both values after the update.
    """

    def update(field, values, gradients, variabilities, lr, clipping=0.0, physical=False):
        if field == "double-linear":
            f, inverse = (lambda x: -0.021 * x + 2.742), (lambda w: (2.742 - w) / 0.021)
        else:
            f = lambda x: 1.530 * math.exp(-x / 9.741) + 0.750  # noqa: E731
            inverse = lambda w: -9.741 * math.log((w - 0.750) / 1.530)  # noqa: E731
        top, bottom = f(0), f(27)
        after = []
        for value, gradient, variability in zip(values, gradients, variabilities, strict=True):
            pulses = lr * abs(gradient) * variability
            if physical:
                pulses = (1 - math.exp(-pulses / 0.18)) * pulses
            if pulses < clipping:
                pulses = 0.0
            value = min(max(value, bottom), top)
            # Without a pulse the value stays: rounding in f(inverse(value)) must not take it below f(27).
            after.append(f(inverse(value) + pulses) if gradient >= 0 and pulses > 0 else value)
        one, two = after
        if one <= bottom:
            one, two = bottom - (two - top), top
        if two <= bottom:
            one, two = top, bottom - (one - top)
        return min(one, top), min(two, top)

    return update
