"""Sizes against torch's own layers, and the design figures by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aanntwin.config import ModelParams
from aanntwin.sizes import derive
from common.errors import InputError


def test_the_default_network():
    sizes = derive(ModelParams(), "MNIST")
    assert (sizes.conv_out, sizes.pool_out, sizes.features) == (13, 13, 676)
    assert sizes.macs == (676, 10)
    assert sizes.multipliers == 36 * 676 + 676 * 10
    assert sizes.mac_count == 686


def test_additional_layers_and_input_channels():
    params = ModelParams(
        conv_out_channels=8, kernel_size=4, stride=4, padding=0, pool_size=2, additional_layers=(30, 20)
    )
    sizes = derive(params, "CIFAR10")
    assert (sizes.in_channels, sizes.conv_out, sizes.pool_out) == (3, 8, 4)
    assert sizes.widths == sizes.macs == (128, 30, 20, 10)
    # Input channels are not counted.
    assert sizes.multipliers == 16 * 128 + 128 * 30 + 30 * 20 + 20 * 10


@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 6), st.integers(1, 7))
def test_what_is_allowed_is_what_torch_computes(kernel_size, stride, padding, pool_size):
    params = ModelParams(kernel_size=kernel_size, stride=stride, padding=padding, pool_size=pool_size)
    exact = (28 + stride + 2 * padding - kernel_size) % stride == 0
    out = torch.nn.functional.conv2d(
        torch.zeros(1, 1, 28, 28), torch.zeros(4, 1, kernel_size, kernel_size), stride=stride, padding=padding
    )
    if padding < kernel_size and exact and out.shape[-1] % pool_size == 0:
        sizes = derive(params, "MNIST")
        assert sizes.conv_out == out.shape[-1]
        assert sizes.pool_out == out.shape[-1] // pool_size
    else:
        with pytest.raises(InputError):
            derive(params, "MNIST")


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [({"stride": 5}, ("29", "5")), ({"pool_size": 4}, ("13", "4")), ({"padding": 6}, ("6", "6")),
     ({"kernel_size": 31}, ("31", "30"))],
)  # fmt: skip
def test_errors_name_both_numbers(changes, numbers):
    with pytest.raises(InputError) as problem:
        derive(ModelParams(**changes), "MNIST")
    words = str(problem.value).replace(",", " ").split()
    assert all(number in words for number in numbers), words
