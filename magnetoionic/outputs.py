"""The files of a simulation: their names, weights, accuracies, gradients, and the JSON of each model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from common.errors import InputError
from common.plugins import label
from common.runs import new_folder
from common.runs.files import atomic_writer, write_json
from magnetoionic.config import TrainConfig
from magnetoionic.images import PADDING

if TYPE_CHECKING:
    import torch

PARENT = Path("simulations")


def simulation_name(config: TrainConfig) -> str:
    """YYYYMMDDHHMMSS-TASK-FIELD-LR-var-V-clipping-C-resistor-R-voltage-U; FIELD of package.module:Name is Name.

    Numbers as Python prints floats, but 0 for clipping and resistor noise where they are off.
    """
    stamp = datetime.now().strftime("%Y%m%d%H%M%S")
    curves = "-".join(label(word) for word in config.fields)
    clipping, noise = config.clipping or 0, config.resistor_noise or 0
    settings = f"var-{float(config.var)}-clipping-{clipping}-resistor-{noise}-voltage-{float(config.voltage_noise)}"
    return f"{stamp}-{config.task}-{curves}-{float(config.lr)}-{settings}"


def new_simulation(config: TrainConfig, run_dir: Path | None) -> Path:
    """Make the folder of a new simulation: `run_dir`, or one below simulations/ in the working folder.

    Raises:
        InputError: it holds a run, is a file, or cannot be made.
    """
    if run_dir is not None:
        return new_folder("magnetoionic", "train", config.seed, run_dir)
    name, attempt = simulation_name(config), 1
    while True:
        folder = PARENT / (name if attempt == 1 else f"{name}-{attempt}")  # two that start in one second get a number
        try:
            PARENT.mkdir(exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            if not PARENT.is_dir():
                raise InputError(f"run folder {PARENT}: is a file; use --run-dir") from None
            attempt += 1
        except OSError as problem:
            raise InputError(f"run folder {PARENT}: cannot be made ({problem.strerror}); use --run-dir") from None
        else:
            return folder


def model_facts(config: TrainConfig, number: int, loss: float, accuracy: float, swap: float | None) -> dict[str, Any]:
    """The content of the JSON file of model `number`.

    Args:
        config: the simulation's options.
        number: the model's number, from 0.
        loss: mean loss of the last batch.
        accuracy, swap: as trained and after field relaxation, fractions; percent in the file. `swap` is None for single
            devices: then the file repeats the accuracy, as the published notebook needs a number.
    """
    single = config.records[0].single
    default_switch = next(field.default for field in fields(TrainConfig) if field.name == "time_switch")
    return {
        "task": config.task,
        "seed": config.seed,
        "model_seed": config.seed + number,
        "padding": PADDING,
        "batch_size": config.batch_size,
        "layers": list(config.layers),
        "epochs": config.epochs,
        "input_scale": config.input_scale,
        "voltage_noise": config.voltage_noise,
        "resistor_noise": config.resistor_noise,
        "device_noise": config.device_noise,
        "time_switch": None if config.time_switch == default_switch else config.time_switch,
        "init": config.initial,
        "compat": config.compat,
        "relaxation_scale": config.relaxation_scale,
        "optimizer": "MagnetoionicSingle" if single else "MagnetoionicDouble",
        "optimizer_parameters": {
            "lr": config.lr,
            "field": list(config.fields),
            "scale": config.scale,
            "device_variability": config.var,
            "clipping": config.clipping,
            "physical_clipping": config.clips_physically,
        },
        "criterion": "CrossEntropyLoss",
        "loss": loss,
        "accuracy": 100.0 * accuracy,
        "swap_accuracy": 100.0 * (accuracy if swap is None else swap),
    }


def write_model(
    folder: Path, prefix: str, weights: Mapping[str, NDArray[Any]], histories: Mapping[str, Any], facts: dict[str, Any]
) -> None:
    """Write the files of one model; the JSON last: where it exists, the others do.

    Args:
        folder: the simulation's folder.
        prefix: NAME-i.
        weights: by their names in the state_dict of `magnetoionic.modules.Network`.
        histories: by the suffixes of their files: "accuracies" (epochs,) as fractions, "gradients" (epochs,), and
            "gradients-by-layer" (epochs, layers).
        facts: from `model_facts`.
    """
    save_tensors(folder / f"{prefix}.pth", {name: _tensor(array) for name, array in weights.items()})
    for name, values in histories.items():
        save_array(folder / f"{prefix}-{name}.pth", values)
    write_json(folder / f"{prefix}.json", facts)


def save_array(path: Path, values: NDArray[Any]) -> None:
    """Write an array as a tensor file."""
    save_tensors(path, _tensor(values))


def save_tensors(path: Path, value: Any) -> None:
    """Write a tensor or a dictionary of tensors, which `torch.load(..., weights_only=True)` reads."""
    import torch

    with atomic_writer(path) as stream:
        torch.save(value, stream)


def _tensor(array: NDArray[Any]) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.array(array, order="C"))
