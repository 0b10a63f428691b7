"""Functions of the kernels, each with its error bound, which tests measure in units in the last place (ulp)."""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

from common.kernels.jit import leaf
from common.kernels.vector_arithmetic import power_of_two


@leaf
def exp(x: Any) -> Any:
    """e**x for |x| < 700 to 1.5 ulp: x = n ln 2 + r, a Taylor polynomial of degree 12 in r, and n into the exponent."""
    shifted = x * 1.4426950408889634 + 6755399441055744.0
    n = shifted - 6755399441055744.0
    r = (x - n * 0.6931471803691238) - n * 1.9082149292705877e-10
    s = r * r
    even = ((((s * (1 / 479001600) + 1 / 3628800) * s + 1 / 40320) * s + 1 / 720) * s + 1 / 24) * s + 0.5
    odd = (((s * (1 / 39916800) + 1 / 362880) * s + 1 / 5040) * s + 1 / 120) * s + 1 / 6
    return (((odd * r + even) * s + r) + 1.0) * power_of_two(shifted)
