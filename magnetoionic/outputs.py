"""The files of a simulation: their names, weights, accuracies, gradients, and the JSON of each model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.runs.files import atomic_writer, write_json
from magnetoionic.config import TrainConfig
from magnetoionic.images import PADDING

if TYPE_CHECKING:
    import torch


def simulation_name(config: TrainConfig) -> str:
    """TIMESTAMP-TASK-FIELD-LR-var-V-clipping-C-resistor-R-voltage-U."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    fields = "-".join(config.fields)
    noise = f"resistor-{config.resistor_noise:g}-voltage-{config.voltage_noise:g}"
    return f"{stamp}-{config.task}-{fields}-{config.lr:g}-var-{config.var:g}-clipping-{config.clipping:g}-{noise}"


def model_facts(config: TrainConfig, number: int, loss: float, accuracy: float, swap: float | None) -> dict[str, Any]:
    """What the JSON file of model `number` says. Accuracies in percent; loss: the last epoch's mean."""
    single = config.fields[0].startswith("single")
    return {
        "task": config.task,
        "seed": config.seed + number,
        "padding": PADDING,
        "batch_size": config.batch_size,
        "layers": list(config.layers),
        "epochs": config.epochs,
        "input_scale": config.input_scale,
        "voltage_noise": config.voltage_noise,
        "resistor_noise": config.resistor_noise,
        "device_noise": config.device_noise,
        "time_switch": config.time_switch,
        "init": config.initial,
        "compat": config.compat,
        "relaxation_scale": config.relaxation_scale,
        "optimizer": "MagnetoionicSingle" if single else "MagnetoionicDouble",
        "optimizer_parameters": {
            "lr": config.lr,
            "field": config.fields[0] if len(config.fields) == 1 else list(config.fields),
            "scale": config.scale,
            "device_variability": config.var,
            "clipping": config.clipping,
            "physical_clipping": config.clips_physically,
        },
        "criterion": "CrossEntropyLoss",
        "loss": loss,
        "accuracy": 100.0 * accuracy,
        "swap_accuracy": None if swap is None else 100.0 * swap,
    }


def write_model(
    folder: Path, prefix: str, weights: Mapping[str, NDArray[Any]], histories: Mapping[str, Any], facts: dict[str, Any]
) -> None:
    """Write the files of one model; the JSON last, so that where it is, the others are.

    Args:
        folder: the simulation's.
        prefix: NAME-i.
        weights: by their names in the state_dict of `magnetoionic.modules.Network`.
        histories: "accuracies" (epochs,) as fractions, and "gradients" (epochs, layers).
        facts: from `model_facts`.
    """
    save_tensors(folder / f"{prefix}.pth", {name: _tensor(array) for name, array in weights.items()})
    for name, values in histories.items():
        save_array(folder / f"{prefix}-{name}.pth", np.asarray(values, np.float64))
    write_json(folder / f"{prefix}.json", facts)


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Write an array as a tensor of its own."""
    save_tensors(path, _tensor(values))


def save_tensors(path: Path, value: Any) -> None:
    """Write a tensor or a dictionary of tensors, which `torch.load(..., weights_only=True)` reads."""
    import torch

    with atomic_writer(path) as stream:
        torch.save(value, stream)


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(array, order="C"))
