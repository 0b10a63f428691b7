"""The levels against an exact formulation in integers and fractions, and what every quantiser must satisfy."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aanntwin.quantization import clip, full_scale_of, quantize, step_of
from common.errors import InputError

BITS = st.integers(0, 7)
SCALES = st.sampled_from([0.25, 1.0, 3.0, 0.1, 0.7310585786300049, 1e-3, 250.0])
VALUES = st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=40)
ZERO = st.booleans()


def levels_of(bits, full_scale, with_zero):
    """All levels as exact fractions, by counting codes: a sign and `bits` bits."""
    step = Fraction(full_scale) / 2**bits
    magnitudes = range(2**bits)
    if with_zero:
        return sorted({sign * code * step for sign in (-1, 1) for code in magnitudes})
    return sorted(sign * (2 * code + 1) * step / 2 for sign in (-1, 1) for code in magnitudes)


def nearest(value, levels):
    """The nearest of the levels, and of two equally near ones the upper."""
    exact = Fraction(value)
    return max(levels, key=lambda level: (-abs(level - exact), level))


@pytest.mark.parametrize("with_zero", [False, True])
@pytest.mark.parametrize("bits", range(8))
def test_equals_exact_arithmetic_with_codes(bits, with_zero):
    full_scale = 0.75  # exact in binary, so that ties are ties for both
    levels = levels_of(bits, full_scale, with_zero)
    values = [index / 512 for index in range(-600, 601)]
    found = quantize(torch.tensor(values, dtype=torch.float64), bits, full_scale, with_zero=with_zero)
    assert found.tolist() == [float(nearest(value, levels)) for value in values]


@settings(deadline=None, max_examples=40)
@given(VALUES, BITS, SCALES, ZERO)
def test_any_scale_gives_the_nearest_level(values, bits, full_scale, with_zero):
    levels = levels_of(bits, full_scale, with_zero)
    tensor = torch.tensor(values, dtype=torch.float64)
    for value, found in zip(values, quantize(tensor, bits, full_scale, with_zero=with_zero).tolist(), strict=True):
        best = abs(nearest(value, levels) - Fraction(value))
        assert min(abs(found - float(level)) for level in levels) < 1e-12 * full_scale
        assert abs(Fraction(found) - Fraction(value)) <= best + Fraction(1e-12) * Fraction(full_scale)


@settings(deadline=None, max_examples=40)
@given(VALUES, BITS, SCALES, ZERO)
def test_is_idempotent_also_in_float32(values, bits, full_scale, with_zero):
    once = quantize(torch.tensor(values, dtype=torch.float32), bits, full_scale, with_zero=with_zero)
    assert torch.equal(quantize(once, bits, full_scale, with_zero=with_zero), once)


@settings(deadline=None, max_examples=40)
@given(VALUES, BITS, SCALES, ZERO)
def test_is_monotone(values, bits, full_scale, with_zero):
    found = quantize(torch.tensor(sorted(values)), bits, full_scale, with_zero=with_zero)
    assert (found.diff() >= 0).all()


@settings(deadline=None, max_examples=40)
@given(VALUES, BITS, SCALES, ZERO)
def test_error_is_at_most_half_a_step_inside_the_range(values, bits, full_scale, with_zero):
    step = step_of(bits, full_scale)
    tensor = torch.tensor(values, dtype=torch.float64)
    found = quantize(tensor, bits, full_scale, with_zero=with_zero)
    reach = full_scale - step / 2 if with_zero else full_scale
    inside = tensor.abs() <= reach
    assert ((found - tensor).abs()[inside] <= step / 2 * (1 + 1e-9)).all()
    top = full_scale - step if with_zero else full_scale - step / 2
    assert (found.abs() <= top * (1 + 1e-12) + 1e-300).all()
    np.testing.assert_allclose(found[~inside], tensor[~inside].sign() * top, rtol=1e-12)


def test_levels_by_hand():
    values = torch.tensor([-9.0, -0.6, -0.1, 0.0, 0.1, 0.3, 0.6, 9.0])
    assert quantize(values, 1, 1.0).tolist() == [-0.75, -0.75, -0.25, 0.25, 0.25, 0.25, 0.75, 0.75]
    assert quantize(values, 1, 1.0, with_zero=True).tolist() == [-0.5, -0.5, 0.0, 0.0, 0.0, 0.5, 0.5, 0.5]
    assert quantize(values, 0, 1.0).tolist() == [-0.5, -0.5, -0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert not quantize(values, 0, 1.0, with_zero=True).any()
    assert clip(values, 0.5).tolist() == pytest.approx([-0.5, -0.5, -0.1, 0.0, 0.1, 0.3, 0.5, 0.5])


@pytest.mark.parametrize("with_zero", [False, True])
@pytest.mark.parametrize("bits", [0, 1, 5])
def test_number_of_levels(with_zero, bits):
    found = quantize(torch.linspace(-2, 2, 5001), bits, 1.0, with_zero=with_zero).unique()
    assert len(found) == 2 ** (bits + 1) - with_zero


def test_keeps_shape_type_and_input():
    values = torch.randn(4, 3, 2, generator=torch.Generator().manual_seed(0))
    before = values.clone()
    found = quantize(values, 3, 1.0)
    assert found.shape == values.shape
    assert found.dtype == torch.float32
    assert torch.equal(values, before)


def test_full_scale_is_in_sample_deviations():
    values = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert full_scale_of(values, 2.0) == pytest.approx(2 * (5 / 3) ** 0.5)


@pytest.mark.parametrize("bits", [-1, 17, 1.5, True])
def test_refuses_bits(bits):
    with pytest.raises(InputError, match="bits are"):
        quantize(torch.zeros(1), bits, 1.0)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_refuses_full_scales(scale):
    for call in (lambda: quantize(torch.zeros(1), 1, scale), lambda: clip(torch.zeros(1), scale)):
        with pytest.raises(InputError, match="full scale"):
            call()
    with pytest.raises(InputError, match="standard deviations"):
        full_scale_of(torch.tensor([1.0, 2.0]), scale)


def test_refuses_values_without_spread():
    for values in (torch.ones(5), torch.ones(1)):
        with pytest.raises(InputError, match="conv2d_weight: the standard deviation is 0"):
            full_scale_of(values, 1.0, "conv2d_weight")
