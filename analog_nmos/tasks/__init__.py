"""Tasks: what a network is trained for, one small file each, listed in TASKS by the words of `nmos-train`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.plugins import Registry

if TYPE_CHECKING:
    from analog_nmos.tasks.base import Task

_HERE = __name__
TASKS: Registry[type[Task]] = Registry(
    "task",
    f"{_HERE}.base:Task",
    {
        "digits": f"{_HERE}.digits:Digits",
        "digits-pairs": f"{_HERE}.digits_pairs:DigitsPairs",
        "xor": f"{_HERE}.xor:Xor",
        "regression": f"{_HERE}.regression:Regression",
        "iris": f"{_HERE}.iris:Iris",
        "wine": f"{_HERE}.wine:Wine",
        "ionosphere": f"{_HERE}.ionosphere:Ionosphere",
        "mnist-small": f"{_HERE}.mnist_small:MnistSmall",
        "csv": f"{_HERE}.csv_file:CsvFile",
        "csv-regression": f"{_HERE}.csv_regression:CsvRegression",
    },
)
