"""Choose the engine: compiled kernels, or PyTorch (on a GPU, for what has no kernel, or with --engine torch)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aanntwin.config import Nonidealities, Settings
from aanntwin.data import planar
from aanntwin.engine import Engine, Test, Weights, check_images
from aanntwin.nonidealities.base import SITES
from aanntwin.shapes import check_weights, weight_shapes
from common.devices import available_cores, check_device_name, resolve_device
from common.errors import InputError

if TYPE_CHECKING:
    from aanntwin.model import Model


def engine_name(settings: Settings) -> str:
    """What trains these settings, as far as it changes numbers: compiled, or torch with device and threads.

    Raises:
        InputError: --engine compiled on a GPU or without a kernel for a nonideality, or the device is missing.
    """
    if uses_compiled(settings):
        return "compiled"
    device = resolve_device(settings.device)
    return f"torch {device.type}" + (
        f" {settings.threads or available_cores()} threads" if device.type == "cpu" else ""
    )


def uses_compiled(settings: Settings, circuit: Nonidealities | None = None) -> bool:
    """Whether compiled kernels compute these settings under a circuit's nonidealities (default: those of training).

    Raises:
        InputError: --engine compiled is set and they cannot.
    """
    compiled = wants_compiled(settings)
    lacking = without_kernel(circuit or settings.training_nonidealities)
    if compiled and lacking and settings.engine == "compiled":
        raise InputError(f"engine compiled has no kernel for {lacking[0]}; use --engine auto or torch")
    return compiled and not lacking


def wants_compiled(settings: Settings) -> bool:
    """Whether engine and device allow compiled kernels.

    Raises:
        InputError: --engine compiled on a GPU.
    """
    device = check_device_name(settings.device)
    if settings.engine == "compiled" and device not in ("cpu", "auto"):
        raise InputError(f"engine compiled runs on the cpu, not on {settings.device}; use --engine torch")
    return settings.engine == "compiled" or (settings.engine == "auto" and device in ("cpu", "auto"))


def without_kernel(circuit: Nonidealities) -> list[str]:
    """Names of the nonidealities without a compiled kernel; a user's own never have one."""
    return [each.name for each in circuit.acting(*SITES) if ":" in each.name or not each.kernel]


def torch_lines(settings: Settings) -> list[str]:
    """A line each for training and test where PyTorch replaces the compiled kernels, with the reason."""
    circuits = {"training": settings.training_nonidealities, "test": settings.testing_nonidealities}
    lacking = {what: without_kernel(circuit) for what, circuit in circuits.items()}
    return [
        f"{what} by PyTorch: there is no compiled kernel for {', '.join(dict.fromkeys(names))}"
        for what, names in lacking.items()
        if names and wants_compiled(settings)
    ]


def make_engine(settings: Settings, model: Model | None = None) -> Engine:
    """The engine for these settings, with the initial weights; a given model is trained by PyTorch."""
    if model is None and uses_compiled(settings):
        from aanntwin.compiled_engine import CompiledEngine

        return CompiledEngine(settings)
    from aanntwin.torch_engine import TorchEngine

    return TorchEngine(settings, model)


def tester(
    weights: Mapping[str, Any], settings: Settings, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Test:
    """A function that tests weights under nonidealities with a draw of noise; see trainer.evaluate."""
    check_weights(weights, weight_shapes(settings))
    check_images(settings, planar(images), labels)
    ready: dict[bool, Test] = {}

    def make(compiled: bool) -> Test:
        if compiled:
            from aanntwin.compiled_engine import compiled_tester

            return compiled_tester(weights, settings, planar(images), labels)
        from aanntwin.torch_engine import torch_tester

        return torch_tester(weights, settings, planar(images), labels)

    def test(circuit: Nonidealities, draw: int) -> tuple[float, float]:
        compiled = uses_compiled(settings, circuit)
        if compiled not in ready:
            ready[compiled] = make(compiled)
        return ready[compiled](circuit, draw)

    return test


__all__ = ["Engine", "Test", "Weights", "engine_name", "make_engine", "tester", "uses_compiled", "weight_shapes"]
