"""Weights as NumPy arrays or as PyTorch's tensors, of which only the latter load torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.tensor_files import parse_safetensors

if TYPE_CHECKING:
    from torch import Tensor

Arrays = dict[str, NDArray[np.float32]]


def as_array(value: Any) -> NDArray[np.float32]:
    """A contiguous float32 array of the numbers of an array or a tensor, in their memory where it can be."""
    array = value if isinstance(value, np.ndarray) else value.detach().cpu().float().numpy()
    return np.ascontiguousarray(array, np.float32)


def as_arrays(weights: Mapping[str, Any]) -> Arrays:
    """`as_array` of each."""
    return {name: as_array(value) for name, value in weights.items()}


def as_tensors(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors of arrays, in the memory of these; tensors stay what they are."""
    import torch

    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in weights.items()
    }


def whole(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors on the CPU, each in memory of its own."""
    return {name: value.detach().cpu().contiguous() for name, value in as_tensors(weights).items()}


def safe_content(weights: Mapping[str, Any], metadata: dict[str, str]) -> bytes:
    """A safetensors file's content: the same bytes for arrays, without loading torch, and for tensors."""
    if all(isinstance(value, np.ndarray) for value in weights.values()):
        from safetensors.numpy import save as save_arrays

        return save_arrays(as_arrays(weights), metadata)
    from safetensors.torch import save

    return save(whole(weights), metadata)


def safe_arrays(content: bytes, where: str) -> tuple[Arrays, dict[str, str]]:
    """The float32 arrays and the metadata of a safetensors file's content, without loading torch.

    Raises:
        InputError: it is damaged, or holds numbers of another type.
    """
    from safetensors.numpy import load

    found, metadata = parse_safetensors(content, where, load)
    if not found or any(value.dtype != np.float32 for value in found.values()):
        raise InputError(f"{where}: allowed are float32 arrays by name")
    return {name: value.copy() for name, value in found.items()}, metadata
