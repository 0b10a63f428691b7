"""Sums of rows: blocks of vectors have the bits of plain loops, and both are the product with a table."""

import numpy as np
import pytest

from common.kernels.jit import CONTRACT, PLAIN, kernel
from magnetoionic.kernels.pulse import sparse_gradient
from magnetoionic.kernels.rows import COLUMNS, row_sum


@kernel(floats=CONTRACT, kept=False)
def plain_gradient(starts, images, currents, table, gradient):
    for pixel in range(gradient.shape[0]):
        row_sum(starts[pixel], starts[pixel + 1], images, currents, table, 0, gradient[pixel])


@pytest.mark.parametrize("width", [COLUMNS - 1, COLUMNS, 2 * COLUMNS + 5])
def test_gradients_of_wide_layers_have_the_bits_of_plain_loops(width):
    """Pixels that none to forty images have, so that eights and rests of every size occur."""
    rng = np.random.default_rng(5)
    counts = np.concatenate([np.arange(41), [0, 1]])
    starts = np.concatenate([[0], np.cumsum(counts)])
    images = np.concatenate([rng.permutation(50)[:count] for count in counts]).astype(np.uint16)
    currents = rng.uniform(0.0, 1.0, len(images)).astype(np.float32)
    table = rng.normal(0.0, 1.0, (50, width)).astype(np.float32)
    found, wanted = np.full((2, len(counts), width), 7.0, np.float32)
    sparse_gradient(starts, images, currents, table, found)
    plain_gradient(starts, images, currents, table, wanted)
    if not PLAIN:  # plain numbers are rounded between product and sum, as no compiled loop does
        assert np.array_equal(found, wanted)
    dense = np.zeros((len(counts), 50))
    dense[np.repeat(np.arange(len(counts)), counts), images] = currents
    np.testing.assert_allclose(found, dense @ table.astype(float), rtol=0, atol=1e-5)
