"""The image sets of all suites, in memory as NumPy bytes, read once per process.

    data = load("mnist")              # from --data-root, else $NONIDEAL_DATA, else ./data
    data = load("digits28")           # needs no files: stands in for MNIST where there is no network

Files lie as torchvision lays them out (``MNIST/raw``, ``FashionMNIST/raw``, ``cifar-10-batches-py``), but are
read here: torchvision is imported to download what is missing and for nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import pickle
import socket
import tempfile
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from common import idx_files
from common.digits import Images as Images
from common.digits import Labels as Labels
from common.digits import digits_images
from common.errors import InputError
from common.inputs import MIB, read_bytes
from common.stratified import stratified_split
from common.values import check_path

if TYPE_CHECKING:
    import torch

DATASET_NAMES = ("mnist", "fashion-mnist", "cifar10", "digits", "digits28")
ROOT_VARIABLE = "NONIDEAL_DATA"

_ALIASES = {"fashion": "fashion-mnist", "fashionmnist": "fashion-mnist", "cifar-10": "cifar10"}
_FOLDERS = {"mnist": "MNIST/raw", "fashion-mnist": "FashionMNIST/raw", "cifar10": "cifar-10-batches-py"}
_TORCHVISION_CLASSES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10"}
# The MD5 sums that torchvision publishes. The batches are pickles: no other file is ever unpickled.
_CIFAR_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
_CIFAR_LIMIT = 64 * MIB  # twice a published file
_DOWNLOAD_TIMEOUT_S = 30.0


@dataclass(frozen=True, eq=False)
class Dataset:
    """One image set with its split. The arrays are read-only: every caller in a process shares them.

    train_x, test_x: uint8, (N, H, W) or (N, H, W, 3), values 0 to pixel_max.
    train_y, test_y: int64, (N,), values 0 to n_classes - 1.
    """

    name: str
    train_x: Images
    train_y: Labels
    test_x: Images
    test_y: Labels
    n_classes: int = 10
    pixel_max: int = 255

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one image: (H, W) or (H, W, 3)."""
        return self.train_x.shape[1:]


_load_lock = threading.Lock()
_loaded: dict[tuple[str, Path | None], Dataset] = {}


def canonical_name(name: str) -> str:
    """Return the name in DATASET_NAMES that `name` means (MNIST, Fashion, CIFAR10 and the like are taken).

    Raises:
        InputError: there is no such data set.
    """
    lowered = name.strip().lower().replace("_", "-")
    lowered = _ALIASES.get(lowered, lowered)
    if lowered not in DATASET_NAMES:
        raise InputError(f"dataset is {name!r}, allowed: {', '.join(DATASET_NAMES)}")
    return lowered


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """Return the data folder: `root` if given, else $NONIDEAL_DATA if set, else ./data (absolute)."""
    chosen = os.path.expanduser(root or os.environ.get(ROOT_VARIABLE) or "data")
    return check_path(Path(chosen)).resolve()


def load(name: str, root: str | os.PathLike[str] | None = None, *, download: bool = True) -> Dataset:
    """Return a data set; a second call in the same process returns the same object.

    mnist and fashion-mnist: 60,000 and 10,000 images of 28x28. cifar10: 50,000 and 10,000 of 32x32x3.
    digits: scikit-learn's bundled 8x8 digits with their own values 0 to 16 (pixel_max is 16), split 1437 to
    360, stratified, always the same way. digits28: those, scaled up to 28x28 and 0 to 255 (`upscale_digits`).

    Args:
        name: one of DATASET_NAMES, in any case.
        root: the folder that holds MNIST, FashionMNIST and cifar-10-batches-py; see `data_root`.
        download: fetch missing files through torchvision into `root`.

    Raises:
        InputError: unknown name; files missing and not downloadable; a file that is truncated or corrupt.
    """
    known = canonical_name(name)
    folder = None if known.startswith("digits") else data_root(root)
    with _load_lock:  # two threads must not download the same files
        key = (known, folder)
        if key not in _loaded:
            _loaded[key] = _split_digits(known) if folder is None else _read(known, folder, download)
        return _loaded[key]


def data_files(name: str, root: str | os.PathLike[str] | None = None) -> dict[str, Path]:
    """Return the files of a data set by their names in a data root, for copying it elsewhere.

    They are read first, so that what is missing is downloaded and what is damaged is found.

    Raises:
        InputError: as `load`, or the set needs no files.
    """
    known = canonical_name(name)
    if known not in _FOLDERS:
        raise InputError(f"dataset {known} has no files, allowed: {', '.join(_FOLDERS)}")
    load(known, root)
    place = data_root(root)
    if known == "cifar10":
        return {f"{_FOLDERS[known]}/{file}": place / _FOLDERS[known] / file for file in _CIFAR_MD5}
    found = {file: idx_files.read(_candidates(known, place, file), _ndim(file))[0] for file in idx_files.NAMES}
    return {f"{_FOLDERS[known]}/{file}{path.suffix * (path.suffix == '.gz')}": path for file, path in found.items()}


def as_tensor(array: NDArray[Any]) -> torch.Tensor:
    """Return a torch tensor that shares the memory of a read-only array. Never write to it."""
    import torch

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _read(name: str, root: Path, download: bool) -> Dataset:
    if missing := _missing_files(name, root):
        if not download:
            raise InputError(_not_found(name, root, f"{missing[0]} is missing"))
        _download(name, root)
        if missing := _missing_files(name, root):
            raise InputError(_not_found(name, root, f"{missing[0]} is missing after the download"))
    arrays = _read_cifar10(root / _FOLDERS[name]) if name == "cifar10" else _read_idx_set(name, root)
    return _frozen(Dataset(name, *arrays))


def _frozen(dataset: Dataset) -> Dataset:
    for array in (dataset.train_x, dataset.train_y, dataset.test_x, dataset.test_y):
        array.setflags(write=False)
    return dataset


def _not_found(name: str, root: Path, reason: str) -> str:
    place = None if name == "cifar10" else idx_files.loose(root)
    hint = "" if place is None else f"; move the files in {place} into {root / _FOLDERS[name]} if they are {name}'s"
    return (
        f"no {name} in {root / _FOLDERS[name]} ({reason}), allowed: a data root that holds it (--data-root or "
        f"${ROOT_VARIABLE}), or --dataset digits, which needs no files{hint}"
    )


# --- digits -------------------------------------------------------------------------------------------------


def upscale_digits(images_Bx8x8: Images) -> Images:
    """Return 8x8 digits of values 0 to 16 as (B, 28, 28) uint8 of values 0 to 255.

    Bilinear interpolation between pixel centres, with the border pixels continued outwards, in exact integer
    arithmetic (rounded half up at the end), so that every machine gets the same bytes.
    """
    # Output pixel i sits at (i + 1/2) 8/28 - 1/2 = (4i - 5)/14 input pixels: all weights are 14ths.
    position = np.clip(4 * np.arange(28) - 5, 0, 14 * 7)
    low, high_weight = position // 14, position % 14
    weights_28x8 = np.zeros((28, 8), dtype=np.int64)
    weights_28x8[np.arange(28), low] = 14 - high_weight
    weights_28x8[np.arange(28), np.minimum(low + 1, 7)] += high_weight
    sums = weights_28x8 @ images_Bx8x8.astype(np.int64) @ weights_28x8.T  # 14 * 14 times the value
    return ((sums * 255 * 2 + 14 * 14 * 16) // (2 * 14 * 14 * 16)).astype(np.uint8)


def _split_digits(name: str) -> Dataset:
    images, labels = digits_images()
    pixel_max = 16
    if name == "digits28":
        images, pixel_max = upscale_digits(images), 255
    train, test = stratified_split(labels, 0.2, seed=0)
    arrays = (images[train], labels[train], images[test], labels[test])
    return _frozen(Dataset(name, *arrays, pixel_max=pixel_max))


# --- files --------------------------------------------------------------------------------------------------


def _missing_files(name: str, root: Path) -> list[str]:
    if name == "cifar10":
        return [file for file in _CIFAR_MD5 if not os.path.exists(root / _FOLDERS[name] / file)]
    return [file for file in idx_files.NAMES if not _candidates(name, root, file)]


def _candidates(name: str, root: Path, file: str) -> list[Path]:
    return idx_files.candidates(root, _FOLDERS[name].removesuffix("/raw"), file)


def _ndim(file: str) -> int:
    return 3 if "images" in file else 1


def _read_idx_set(name: str, root: Path) -> tuple[Images, Labels, Images, Labels]:
    read = [idx_files.read(_candidates(name, root, file), _ndim(file)) for file in idx_files.NAMES]
    (_, train_x), (train_path, train_y), (_, test_x), (test_path, test_y) = read
    for images, labels, path in ((train_x, train_y, train_path), (test_x, test_y, test_path)):
        if len(images) != len(labels) or len(labels) == 0:
            raise InputError(f"{path} has {len(labels)} labels for {len(images)} images, {idx_files.ADVICE}")
        if labels.max() > 9:
            raise InputError(f"{path} has the label {labels.max()}, allowed: 0 to 9, {idx_files.ADVICE}")
    return train_x, train_y.astype(np.int64), test_x, test_y.astype(np.int64)


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickles dictionaries of arrays and nothing else, for files whose MD5 sum is known already."""

    _allowed: ClassVar[dict[tuple[str, str], Any]] = {
        # Its module when the files were written; NumPy 2 has moved it, so it is asked of an array.
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the three names that a pickled array needs, or refuse."""
        try:
            return self._allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed") from None


def _read_cifar10(folder: Path) -> tuple[Images, Labels, Images, Labels]:
    batches = [_read_cifar_batch(folder / file, md5) for file, md5 in _CIFAR_MD5.items()]
    images = [images for images, _ in batches]
    labels = [labels for _, labels in batches]
    return np.concatenate(images[:-1]), np.concatenate(labels[:-1]), images[-1], labels[-1]


def _read_cifar_batch(path: Path, md5: str) -> tuple[Images, Labels]:
    """Return (N, 32, 32, 3) images and (N,) labels of one batch, if it is the published file."""
    content = read_bytes(path, "data set file", _CIFAR_LIMIT)
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise InputError(f"{path} is not the published file (its MD5 sum differs), {idx_files.ADVICE}")
    batch = _ArrayUnpickler(io.BytesIO(content), encoding="latin1").load()
    planes_Nx3x32x32 = batch["data"].reshape(-1, 3, 32, 32)
    images = np.ascontiguousarray(planes_Nx3x32x32.transpose(0, 2, 3, 1))
    return images, np.array(batch["labels"], dtype=np.int64)


# --- download -----------------------------------------------------------------------------------------------


def _download(name: str, root: Path) -> None:
    """Fetch a set into a temporary folder and move whole files into place: half a file is never there.

    torchvision checks the MD5 sum of each archive, but takes an archive half unpacked for the real thing.
    A download that fails leaves nothing behind.
    """
    folder = root / _FOLDERS[name]
    new_root = not root.exists()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as staging:
            _fetch(name, Path(staging))
            folder.mkdir(parents=True, exist_ok=True)
            for file in (Path(staging) / _FOLDERS[name]).iterdir():
                if file.suffix != ".gz":
                    os.replace(file, folder / file.name)
    except (ImportError, OSError, RuntimeError, EOFError) as error:  # URLError is an OSError
        if new_root:
            with contextlib.suppress(OSError):
                root.rmdir()
        raise InputError(_not_found(name, root, f"download failed: {_one_line(error)}")) from error


def _fetch(name: str, root: Path) -> None:
    datasets = importlib.import_module("torchvision.datasets")
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_DOWNLOAD_TIMEOUT_S)  # torchvision sets none: a silent host would hang it
    try:
        getattr(datasets, _TORCHVISION_CLASSES[name])(root, train=True, download=True)
    finally:
        socket.setdefaulttimeout(timeout)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else text[:157] + "..."
