"""Learning rules: how what is read in two phases becomes an update. One small file each, listed here for options.

A rule is put together from a quantity that each transistor compares, terms of the free phase, and an optimizer
(`analog_nmos.training.rule`); which phases there are, and how outputs are nudged, are options (`rules.options`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.plugins import Registry

if TYPE_CHECKING:
    from analog_nmos.rules.optimizer import Optimizer
    from analog_nmos.rules.quantity import Quantity
    from analog_nmos.rules.term import Term

QUANTITIES: Registry[type[Quantity]] = Registry(
    "quantity",
    "analog_nmos.rules.quantity:Quantity",
    {
        "squared-drop": "analog_nmos.rules.squared_drop:SquaredDrop",
        "device-aware": "analog_nmos.rules.device_aware:DeviceAware",
        "co-content": "analog_nmos.rules.co_content:CoContent",
        "vector-field": "analog_nmos.rules.vector_field:VectorField",
    },
)
TERMS: Registry[type[Term]] = Registry(
    "term",
    "analog_nmos.rules.term:Term",
    {"power": "analog_nmos.rules.power:Power", "homeostasis": "analog_nmos.rules.homeostasis:Homeostasis"},
)
OPTIMIZERS: Registry[type[Optimizer]] = Registry(
    "optimizer",
    "analog_nmos.rules.optimizer:Optimizer",
    {
        "plain": "analog_nmos.rules.optimizer:Plain",
        "momentum": "analog_nmos.rules.momentum:Momentum",
        "adam": "analog_nmos.rules.adam:Adam",
        "sign": "analog_nmos.rules.sign:Sign",
    },
)
