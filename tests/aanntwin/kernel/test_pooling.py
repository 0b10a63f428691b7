"""The pool against NumPy: the largest of each square, and of equals the first."""

import numpy as np
import pytest

from aanntwin.compiled_model import net_shape
from aanntwin.config import ModelParams
from aanntwin.kernel.layout import make_net, make_work, zeros
from aanntwin.kernel.pooling import pool, unpool
from aanntwin.sizes import derive
from common.kernels.jit import kernel


def _there_and_back(net, work, place, target, to, gradient):
    pool(net, work, place, target, to)
    unpool(net, gradient, 0, work.winner, place, work.grad_conv)


there_and_back = kernel(kept=False)(_there_and_back)


def squares(dense, size):
    """(channel, row, column, element of the square)."""
    channels, side, _ = dense.shape
    parts = dense.reshape(channels, side // size, size, side // size, size)
    return parts.swapaxes(2, 3).reshape(channels, side // size, side // size, size**2)


@pytest.mark.parametrize("size", [2, 4, 7, 14, 28])
@pytest.mark.parametrize("levels", [2, 5, 10_000])
def test_the_largest_of_each_square_and_of_equals_the_first(size, levels):
    params = ModelParams(conv_out_channels=3, kernel_size=3, stride=1, padding=1, pool_size=size)
    net = make_net(net_shape(params, derive(params, "MNIST")), reshaped=False)
    work, random = make_work(net, 2), np.random.default_rng(levels)
    dense = random.integers(-levels, levels, (3, 28, 28)).astype(np.float32)
    work.relu[: dense.size] = dense.ravel()
    work.grad_conv[:] = 7
    found, gradient = zeros(3 * 28 * 28), zeros(net.features)
    gradient[:] = random.normal(size=net.features)
    there_and_back(net, work, net.features, found, 5, gradient)
    parts = squares(dense, size)
    np.testing.assert_array_equal(found[5 : 5 + net.features], parts.max(-1).ravel())
    back = squares(work.grad_conv[: dense.size].reshape(dense.shape), size)
    wanted = np.zeros(parts.shape, np.float32)
    np.put_along_axis(wanted, parts.argmax(-1)[..., None], gradient.reshape(*parts.shape[:3], 1), -1)
    np.testing.assert_array_equal(back, wanted)


@pytest.mark.parametrize("place", range(49))
def test_a_square_with_nan_gives_nan(place):
    params = ModelParams(conv_out_channels=1, kernel_size=3, stride=1, padding=1, pool_size=7)
    net = make_net(net_shape(params, derive(params, "MNIST")), reshaped=False)
    work, found = make_work(net), zeros(28 * 28)
    work.relu[place // 7 * 28 + place % 7] = np.nan
    there_and_back(net, work, 0, found, 0, zeros(net.features))
    assert np.isnan(found[: net.features]).nonzero()[0].tolist() == [0]
