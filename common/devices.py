"""Where a run computes: the torch device, and how many threads its libraries take.

Importing this module loads neither torch nor numba, and neither do the checks that a command line needs.
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError

if TYPE_CHECKING:
    import torch

DEVICE_HELP = "auto, cpu, cuda, cuda:N or mps"
_DEVICE_NAME = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")
MOST_THREADS = 1024  # OpenMP ends the process where it cannot start as many as it was asked for
# What OpenMP, MKL and OpenBLAS read when they load, here or in a child process.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def check_device_name(name: str) -> str:
    """Return `name` in lower case if it is spelled like a device; does not check that there is one.

    Raises:
        InputError: it is none of auto, cpu, cuda, cuda:N and mps.
    """
    lowered = name.strip().lower()
    if not _DEVICE_NAME.fullmatch(lowered):
        raise InputError(f"device is {name!r}, allowed: {DEVICE_HELP}")
    return lowered


def available_devices() -> list[str]:
    """Return the devices torch finds here, best first: cuda:0, cuda:1, .., then mps, then cpu."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found = [f"cuda:{index}" for index in range(count)]
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def resolve_device(name: str = "auto") -> torch.device:
    """Return the torch device that `name` stands for: ``auto`` is the first of cuda, mps, cpu that is here.

    A cuda device carries its number (``cuda`` is ``cuda:0``), so that it equals the device of its tensors.

    Raises:
        InputError: the name is misspelled, or the device is not here (the message lists those that are).
    """
    wanted = check_device_name(name)
    import torch

    if wanted == "cpu":  # without asking for the others: a broken GPU driver must not stop a CPU run
        return torch.device("cpu")
    available = available_devices()
    if wanted == "auto":
        wanted = available[0]
    elif wanted == "cuda":
        wanted = "cuda:0"
    elif wanted.startswith("cuda:"):
        wanted = f"cuda:{int(wanted.removeprefix('cuda:'))}"
    if wanted not in available:
        raise InputError(f"device {name} is not available, allowed here: auto, {', '.join(available)}")
    return torch.device(wanted)


def describe_device(device: str | torch.device) -> str:
    """Return one line about a device for run_meta.json, such as ``cuda:0: NVIDIA H200, 139.8 GiB``.

    Takes a device or its resolved name (not auto). Loads torch for cuda devices only.
    """
    name = str(device)
    if name.startswith("cuda"):
        import torch

        properties = torch.cuda.get_device_properties(name)
        return f"{name}: {properties.name}, {properties.total_memory / 2**30:.1f} GiB"
    return f"{name}: {_processor_name()}, {available_cores()} cores available"


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")  # platform.processor() is empty or just "x86_64" on Linux
    if cpuinfo.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(errors="replace"), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()


def available_cores() -> int:
    """Return the number of cores this process may use: fewer than the machine's under Slurm or taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(n: int = 0, *, libraries: Iterable[str] = ()) -> int:
    """Make NumPy's BLAS, torch and numba use `n` threads (0: all available cores); return the number set.

    torch and numba are set if they are loaded already; to load them first, name them in `libraries`
    (``("torch",)``, ``("numba",)``). What loads later, here or in a child process, reads the environment
    variables that this sets. numba keeps the number per Python thread: call this in the thread that computes; its pool
    never grows once it is loaded, so it then takes what it has at most. Our kernels use one thread each, and the
    number of Python threads that call them is not numba's matter.
    The same numbers come out for the same seed and thread count, so a run records what this returns.

    Raises:
        InputError: `n` is negative or above MOST_THREADS.
    """
    if not 0 <= n <= MOST_THREADS:
        raise InputError(f"threads is {n}, allowed: 0 (all {available_cores()} available cores) to {MOST_THREADS}")
    count = n or available_cores()
    wanted = set(libraries)
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(count)
    if "numba" not in sys.modules:
        # numba's pool never grows once it is imported. Asked for now, it gets room for later, larger calls;
        # imported by somebody later, it must not take more than was asked for.
        pool = max(count, available_cores()) if "numba" in wanted else count
        os.environ["NUMBA_NUM_THREADS"] = str(pool)
    for library in sorted(wanted):
        importlib.import_module(library)
    # BLAS and OpenMP libraries that are loaded already no longer read the environment.
    importlib.import_module("threadpoolctl").threadpool_limits(limits=count)
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(count)
    if (numba := sys.modules.get("numba")) is not None:
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    return count
