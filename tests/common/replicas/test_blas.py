"""Products called from compiled code: torch's bits, in every layout that a network has, or no plan."""

import numpy as np
import pytest
import torch

from common.kernels.jit import PLAIN
from common.replicas import blas
from common.replicas.product import product

HAS = blas.sgemm_address() != 0
needs_sgemm = pytest.mark.skipif(not HAS, reason="this torch has no sgemm_, or nothing is compiled")


def layouts(R, B, inputs, outputs):
    """The three products of a linear layer: output, gradients of its weights and of its input."""
    x, w, grad = torch.randn(R, B, inputs), torch.randn(R, outputs, inputs), torch.randn(R, B, outputs)
    return (x, w.transpose(1, 2)), (grad.transpose(1, 2), x), (grad, w)


@needs_sgemm
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    "sizes", [(1, 128, 18, 18), (3, 256, 784, 18), (2, 96, 18, 10), (1, 512, 64, 64), (2, 16, 6, 5)]
)
def test_a_plan_gives_the_bits_of_a_product(threads, count, sizes):
    threads(count)
    for a, b in layouts(*sizes):
        wanted = product(a, b, torch.empty(a.shape[0], a.shape[1], b.shape[2]))
        out = torch.full_like(wanted, torch.nan)
        plan = blas.plan_of(a, b, out)
        assert plan is not None
        blas._multiply(blas.sgemm_address(), np.array(plan))
        assert torch.equal(out, wanted)


@needs_sgemm
def test_a_shared_batch_and_rows_of_something_wider():
    x, bank = torch.randn(1, 48, 30).expand(4, -1, -1), torch.randn(4, 1024)
    w = bank.as_strided((4, 7, 30), (1024, 30, 1), 16)
    out = torch.empty(4, 48, 7)
    plan = blas.plan_of(x, w.transpose(1, 2), out)
    assert plan is not None
    blas._multiply(blas.sgemm_address(), np.array(plan))
    assert torch.equal(out, product(x, w.transpose(1, 2), torch.empty_like(out)))


@needs_sgemm
def test_no_plan_where_torch_adds_up_differently_or_memory_is_scattered():
    """Torch adds up products of fewer than 400 multiplications itself; if this fails, a newer one no longer does."""
    small = torch.randn(1, 16, 10), torch.randn(1, 10, 2)
    assert blas.plan_of(*small, torch.empty(1, 16, 2)) is None
    wide = torch.randn(1, 64, 64)[:, :, ::2]
    assert blas.plan_of(wide, torch.randn(1, 32, 32), torch.empty(1, 64, 32)) is None
    assert blas.plan_of(torch.randn(1, 64, 32), torch.randn(1, 32, 32), torch.empty(1, 32, 64).transpose(1, 2)) is None


@pytest.mark.skipif(PLAIN, reason="nothing is compiled")
@pytest.mark.skipif("mkl" not in torch.__config__.show().lower(), reason="this torch brings no MKL")
def test_torch_with_mkl_has_the_entry():
    """Without it trainings are slower, which nothing else would show."""
    assert HAS
