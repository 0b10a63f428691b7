"""Files of tensors from outside, safetensors or what torch.save wrote: distinguished by content, and never trusted.

Readers take `what`, the word that their messages begin with, and raise InputError in one line for a file that is
missing, not regular, too large (or unpacks to what is), damaged, a pickle of code, or full of something else. Nothing
but tensors and plain values is ever unpickled.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.inputs import ARRAY_LIMIT, MIB, read_bytes

if TYPE_CHECKING:
    from torch import Tensor

HEADER_LIMIT = 32 * MIB  # of a safetensors file
DEPTH = 16  # of containers in containers; a checkpoint has a few

Tensors = dict[str, "Tensor"]


def read_tensors(path: str | Path, what: str, *, floating: bool = True, limit: int = ARRAY_LIMIT) -> Tensors:
    """The tensors of a file by name, dense and on the CPU; a .pth must hold a mapping of names to them, a state dict.

    Args:
        path: any name; what is in the file counts.
        what: begins the messages.
        floating: refuse tensors of integers, truth values and complex numbers: weights are none of these.
        limit: of bytes, of the file and of all elements in float32 or their own wider type.
    """
    return parse_tensors(read_bytes(path, what, limit), f"{what} {path}", floating=floating, limit=limit)[0]


def parse_tensors(
    content: bytes, where: str, *, floating: bool = True, limit: int = ARRAY_LIMIT
) -> tuple[Tensors, dict[str, str]]:
    """Tensors and metadata (safetensors has some) of a file's content; `where` begins the message if it is refused."""
    found, metadata = parse_content(content, where, limit=limit)
    if not isinstance(found, Mapping) or not found:
        raise InputError(f"{where}: holds {_kind(found)}, allowed: tensors by name")
    for name, value in found.items():
        if not isinstance(name, str) or not _is_tensor(value):
            raise InputError(f"{where}: holds {_kind(value)} under {_short(name)}, allowed: tensors by name")
        if floating and not value.is_floating_point():
            raise InputError(f"{where}: {_short(name)} holds {value.dtype}, allowed: floating-point numbers")
    return dict(found), metadata


def parse_content(content: bytes, where: str, *, limit: int = ARRAY_LIMIT) -> tuple[Any, dict[str, str]]:
    """As `parse_tensors`, for a .pth that may hold a tensor, or containers of tensors and plain values."""
    if _is_safetensors(content):
        found, metadata = _safetensors(content, where)
    elif content[:4] == b"PK\x03\x04":
        _check_archive(content, where, limit)
        found, metadata = _torch(content, where), {}
    elif content[:1] == b"\x80":  # how a pickle begins: torch.save before version 1.6
        found, metadata = _torch(content, where), {}
    else:
        raise InputError(f"{where}: is neither a safetensors nor a PyTorch file")
    _check_tensors(found, where, limit)
    return found, metadata


def check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Raise InputError for the first tensor with a NaN or an infinite element; the message names it."""
    for name, value in tensors.items():
        bad = int(value.numel() - value.isfinite().sum())
        if bad:
            raise InputError(f"{where}: {name} holds {bad} of {value.numel()} numbers that are not finite")


def _is_safetensors(content: bytes) -> bool:
    """The length of a JSON object, and that object."""
    return content[8:9] == b"{" and int.from_bytes(content[:8], "little") <= len(content) - 8


def _safetensors(content: bytes, where: str) -> tuple[Tensors, dict[str, str]]:
    """In memory of their own: a mapped file would change them when written, and end the process when cut short."""
    from safetensors.torch import load

    found, metadata = parse_safetensors(content, where, load)
    return {name: value.clone() for name, value in found.items()}, metadata


def parse_safetensors(
    content: bytes, where: str, load: Callable[[bytes], dict[str, Any]]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What a safetensors file holds by name, and its metadata; they may lie in the memory of its content.

    Args:
        content: of the file.
        where: begins messages.
        load: of safetensors.torch, or of safetensors.numpy, which loads no torch.

    Raises:
        InputError: it is damaged.
    """
    from safetensors import SafetensorError

    length = int.from_bytes(content[:8], "little")
    if length > HEADER_LIMIT:
        raise InputError(f"{where}: its header is too large ({length / MIB:.0f} MiB)")
    try:
        return load(content), dict(json.loads(content[8 : 8 + length]).get("__metadata__") or {})
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError) as problem:
        raise InputError(f"{where}: is a damaged safetensors file ({_reason(problem)})") from None


def _check_archive(content: bytes, where: str, limit: int) -> None:
    """Refuse what would unpack to more than the limit, and what is damaged: torch does not look at the checksums."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
            damaged = archive.testzip() if total <= limit else None
    except Exception as problem:  # noqa: BLE001 - a dozen classes, by the method of compression and what is damaged
        raise InputError(f"{where}: is a damaged PyTorch file ({_reason(problem)})") from None
    if total > limit:
        raise InputError(f"{where}: unpacks to {total / MIB:.0f} MiB; at most {limit // MIB} MiB are read")
    if damaged is not None:
        raise InputError(f"{where}: is a damaged PyTorch file (the checksum of {_short(damaged)} does not fit)")


def _torch(content: bytes, where: str) -> Any:
    """What torch reads as weights only."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other pickle protocols and beta formats: what comes out is checked
            # As a stream: by its name, a newer PyTorch would take a pickle for a safetensors file.
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as problem:  # noqa: BLE001 - whatever the unpickler meets, the file is to blame
        raise InputError(f"{where}: is no PyTorch file of tensors ({_reason(problem)})") from None


def _check_tensors(found: Any, where: str, limit: int) -> None:
    """Refuse tensors that are not plain, and more elements than the limit: a stride of 0 makes many of one."""
    total = 0
    for name, tensor in _tensors_in(found, where):
        kind = "nested" if tensor.is_nested else "quantized" if tensor.is_quantized else str(tensor.layout)
        if kind != "torch.strided" or tensor.device.type != "cpu":
            kind = kind if kind != "torch.strided" else f"on device {tensor.device}"
            raise InputError(f"{where}: {_short(name)} is {kind.removeprefix('torch.')}, allowed: dense tensors")
        total += tensor.numel() * max(4, tensor.element_size())
        if total > limit:
            raise InputError(f"{where}: its tensors take more than {limit // MIB} MiB; at most so much is read")


def _tensors_in(found: Any, where: str) -> Iterator[tuple[str, Tensor]]:
    """Every tensor in nested containers once, with its name."""
    waiting: list[tuple[str, Any, int]] = [("the tensor", found, 0)]
    seen = set[int]()
    while waiting:
        name, value, depth = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if _is_tensor(value):
            yield name, value
        elif isinstance(value, (Mapping, list, tuple, set)):
            if depth == DEPTH:
                raise InputError(f"{where}: is nested too deeply")
            inner = value.items() if isinstance(value, Mapping) else ((name, part) for part in value)
            waiting += [(str(key), part, depth + 1) for key, part in inner]


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _kind(value: Any) -> str:
    return "nothing" if isinstance(value, Mapping) and not value else f"a value of type {type(value).__name__}"


def _short(name: Any) -> str:
    text = repr(name)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _reason(problem: BaseException) -> str:
    text = " ".join(str(problem).split()) or type(problem).__name__
    return text if len(text) <= 160 else f"{text[:157]}..."
