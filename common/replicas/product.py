"""Stacked matrix products whose slices have the bits that each product has alone.

BLAS libraries choose their algorithm by shape, number of threads, and where the operands lie in memory, so a product
inside a stack may differ from the same product alone in the last bits. Which products do is not documented and differs
between machines; so each kind of product is tried once, on random numbers in the same layout, and computed by the
fastest method that gives the bits of a product alone: the whole stack, one slice after the other, or slices copied to
memory of their own.
"""

from __future__ import annotations

import torch
from torch import Tensor

STACKED, SLICES, COPIES = "stacked", "slices", "copies"
_methods: dict[tuple[object, ...], str] = {}


def product(a_RxMxK: Tensor, b_RxKxN: Tensor, out_RxMxN: Tensor) -> Tensor:
    """Write a @ b, replica by replica, into `out` and return it.

    On the CPU, slice r has the bits of ``product(a[r:r+1], b[r:r+1])`` on freshly allocated copies in the same layout.
    Elsewhere it is torch.bmm.
    """
    if a_RxMxK.shape[0] == 1 or a_RxMxK.device.type != "cpu":
        return torch.bmm(a_RxMxK, b_RxKxN, out=out_RxMxN)
    method = method_of(a_RxMxK, b_RxKxN, out_RxMxN)
    if method == STACKED:
        return torch.bmm(a_RxMxK, b_RxKxN, out=out_RxMxN)
    return _one_by_one(a_RxMxK, b_RxKxN, out_RxMxN, copy=method == COPIES)


def method_of(a: Tensor, b: Tensor, out: Tensor) -> str:
    """The method of `product` for this layout: STACKED, SLICES or COPIES; tried at the first call."""
    key = (a.shape, a.stride(), b.shape, b.stride(), out.stride(), torch.get_num_threads())
    if key not in _methods:
        _methods[key] = _try(like(a, 1), like(b, 2), torch.empty_strided(out.shape, out.stride()))
    return _methods[key]


def _try(a: Tensor, b: Tensor, out: Tensor) -> str:
    wanted = alone(a, b, torch.empty(out.shape))
    if torch.equal(torch.bmm(a, b, out=out), wanted):
        return STACKED
    return SLICES if torch.equal(_one_by_one(a, b, out, copy=False), wanted) else COPIES


def alone(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """a @ b into `out`, which is contiguous, replica by replica on copies: the bits that `product` promises."""
    return _one_by_one(a, b, out, copy=True)


def _one_by_one(a: Tensor, b: Tensor, out: Tensor, *, copy: bool) -> Tensor:
    for r in range(a.shape[0]):
        left, right = a[r : r + 1], b[r : r + 1]
        if copy:  # the result, too, begins where it would alone
            out[r : r + 1] = torch.bmm(_aligned(left), _aligned(right))
        else:
            torch.bmm(left, right, out=out[r : r + 1])
    return out


def _aligned(x: Tensor) -> Tensor:
    """A copy of one slice with the strides that it has, at the start of its own memory."""
    copy = torch.empty_strided(x.shape, x.stride())
    return copy.copy_(x)


def like(x: Tensor, seed: int) -> Tensor:
    """Random numbers in the layout of `x`; a stack that repeats one matrix (stride 0) does so here too."""
    generator = torch.Generator().manual_seed(seed)
    copy = torch.empty_strided(x.shape, x.stride())
    shared = x.stride(0) == 0
    target = copy[:1] if shared else copy
    target.copy_(torch.randn(target.shape, generator=generator))
    return copy
