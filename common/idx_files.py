"""The four IDX files of MNIST and Fashion-MNIST: their places, their names and their content.

torchvision lays them out as MNIST/raw/train-images-idx3-ubyte. People also have them as train-images.idx3-ubyte, still
zipped, in a folder mnist, or one level up; all of these are found. Files that lie loose in a data root are not taken:
both sets have the same names, and nothing in a file says of which set it is.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.inputs import MIB, read_bytes

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
ADVICE = "delete the file and start again to download it anew"
LIMIT = 256 * MIB  # five times the largest of the published files


def candidates(root: Path, folder: str, name: str) -> list[Path]:
    """All files that may be `name` of the set in `folder` (such as MNIST) of a data root, the best place first."""
    places = [place for place in _places(root, folder) if os.path.isdir(place)]
    return [path for place in places for path in _spelled(place, name) if os.path.exists(path)]


def read(paths: list[Path], ndim: int) -> tuple[Path, NDArray[np.uint8]]:
    """The first of the files that is whole, and its array of bytes.

    Raises:
        InputError: none is; says what is wrong with the first.
    """
    problems = []
    for path in paths:
        try:
            return path, _read(path, ndim)
        except InputError as problem:
            problems.append(problem)
    raise problems[0]


def loose(root: Path) -> Path | None:
    """A folder in or at the data root in which the files lie without a folder of their set; None if there is none."""
    return next((place for place in (root, root / "raw") for path in _spelled(place, NAMES[0]) if path.exists()), None)


def _places(root: Path, folder: str) -> Iterator[Path]:
    yield root / folder / "raw"
    try:
        entries = sorted(entry.name for entry in os.scandir(root))
    except OSError:  # no data root yet, or one that cannot be listed
        entries = []
    for name in [folder, *entries]:
        if _plain(name) == _plain(folder):
            yield from (root / name / "raw", root / name)
    # The set's own folder, given as a data root.
    if _plain(root.name) == _plain(folder):
        yield from (root / "raw", root)
    elif root.name == "raw" and _plain(root.parent.name) == _plain(folder):
        yield root


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _spelled(place: Path, name: str) -> Iterator[Path]:
    for stem in (name, name.replace("-idx", ".idx")):
        yield from (place / stem, place / f"{stem}.gz")


def _read(path: Path, ndim: int) -> NDArray[np.uint8]:
    """The array of one file (big-endian header: magic 0x08 and ndim, sizes; then bytes).

    Its size must be exactly what its header says: a download or a copy that broke off is not taken for good, and of a
    zipped file not much more than that is unpacked.
    """
    try:
        content = io.BytesIO(read_bytes(path, "data set file", LIMIT))
    except InputError as problem:
        raise InputError(f"{problem}, {ADVICE}") from None
    stream = gzip.GzipFile(fileobj=content) if path.suffix == ".gz" else content
    try:
        header = stream.read(4 * (1 + ndim))
        shape = _shape(path, header, ndim)
        data = stream.read(math.prod(shape) + 1)
    except (OSError, EOFError, zlib.error) as problem:  # BadGzipFile is an OSError
        raise InputError(f"{path} cannot be read ({' '.join(str(problem).split())[:160]}), {ADVICE}") from None
    if len(data) != math.prod(shape):
        expected = len(header) + math.prod(shape)
        found = "more" if len(data) > math.prod(shape) else f"{len(header) + len(data)}"
        raise InputError(f"{path} has {found} bytes where its header says {expected}, {ADVICE}")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _shape(path: Path, header: bytes, ndim: int) -> tuple[int, ...]:
    if len(header) < 4 * (1 + ndim) or header[:4] != bytes((0, 0, 8, ndim)):
        raise InputError(f"{path} is not an IDX file of {ndim}-dimensional bytes, {ADVICE}")
    shape = tuple(int(size) for size in np.frombuffer(header[4:], dtype=">u4"))
    if ndim == 3 and shape[1:] != (28, 28):
        raise InputError(f"{path} holds images of {shape[1]}x{shape[2]}, allowed: 28x28")
    if math.prod(shape) > LIMIT:
        raise InputError(f"{path} is too large: its header says {math.prod(shape)} bytes; at most {LIMIT} are read")
    return shape
