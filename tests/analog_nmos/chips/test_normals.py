"""Numbers drawn ahead are those of the generator, however they are taken, and wherever they go on."""

import numpy as np
import pytest

from analog_nmos.chips.normals import BLOCK, STATE_WORDS, Normals


def drawn(seed, count):
    return np.random.default_rng(seed).standard_normal(count)


def test_they_are_the_generators_in_its_order():
    normals, sizes = Normals(np.random.default_rng(3)), (1, 7, BLOCK, 3 * BLOCK + 1, 0, 5, BLOCK - 1)
    found = [normals.take(size).copy() for size in sizes]
    assert np.array_equal(np.concatenate(found), drawn(3, sum(sizes)))


def test_what_compiled_code_takes_is_gone():
    normals = Normals(np.random.default_rng(0))
    normals.reserve(10)
    normals.at[0] += 4
    normals.reserve(2 * BLOCK)
    assert normals.values.size - normals.at[0] >= 2 * BLOCK
    assert np.array_equal(normals.take(3), drawn(0, 7)[4:])


@pytest.mark.parametrize("taken", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK])
def test_another_object_goes_on_from_its_state(taken):
    normals, other = Normals(np.random.default_rng(1)), Normals(np.random.default_rng(1))
    assert not normals.has_begun
    normals.take(taken)
    assert normals.has_begun == (taken > 0)
    state = normals.state()
    assert state.shape == (STATE_WORDS,)
    other.take(17)
    other.restore(state)
    assert np.array_equal(other.take(BLOCK + 3), drawn(1, taken + BLOCK + 3)[taken:])
    assert np.array_equal(normals.take(5), drawn(1, taken + 5)[taken:])
