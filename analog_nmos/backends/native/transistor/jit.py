"""Kernels of the native solver: any change in any of its folders compiles them anew."""

from __future__ import annotations

from pathlib import Path

from common.kernels.jit import kernels_of

kernel = kernels_of(Path(__file__).parents[1])
