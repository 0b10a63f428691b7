"""Objectives: one small file each, listed in OBJECTIVES by the names that options use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.plugins import Registry

if TYPE_CHECKING:
    from analog_nmos.objectives.base import Objective

OBJECTIVES: Registry[type[Objective]] = Registry(
    "objective",
    "analog_nmos.objectives.base:Objective",
    {
        "hinge": "analog_nmos.objectives.hinge:Hinge",
        "cross-entropy": "analog_nmos.objectives.cross_entropy:CrossEntropy",
        "mse": "analog_nmos.objectives.mean_squared_error:MeanSquaredError",
        "prototype": "analog_nmos.objectives.prototype:Prototype",
    },
)
