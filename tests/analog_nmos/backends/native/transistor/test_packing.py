"""NamedTuples as arrays, and NamedTuples again inside kernels."""

from typing import NamedTuple

import numba
import numpy as np
import pytest

from analog_nmos.backends.native.transistor.packing import pack, unpack


class Pair(NamedTuple):
    low: float
    high: float


class Three(NamedTuple):
    one: float
    two: float
    three: float


@numba.njit
def _fields(array):
    pair = unpack(Pair, array, 0)
    three = unpack(Three, array, len(pair))
    return pair.low, pair.high, three.one, three.two, three.three, three


@numba.njit
def _second_row(rows):
    return unpack(Pair, rows[1], 0)


def test_fields_come_back_by_name_and_in_order():
    array = pack(Pair(1.5, np.inf), Three(-2.0, 4, 1e-300))
    assert array.dtype == np.float64
    *values, three = _fields(array)
    assert values == [1.5, np.inf, -2.0, 4.0, 1e-300]
    assert type(three) is Three
    assert three == Three(-2.0, 4.0, 1e-300)


def test_a_row_of_several():
    assert _second_row(np.array([Pair(1.0, 2.0), Pair(3.0, 4.0)])) == Pair(3.0, 4.0)


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.zeros(4, np.float32), np.zeros(8)[::2]])
def test_other_arrays_are_not_read(array):
    with pytest.raises(numba.TypingError):
        _fields(array)
