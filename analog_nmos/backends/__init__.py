"""Circuit solvers behind one interface, listed in BACKENDS by the names that options use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.plugins import Registry

if TYPE_CHECKING:
    from analog_nmos.backends.base import Backend

BACKENDS: Registry[type[Backend]] = Registry(
    "backend",
    "analog_nmos.backends.base:Backend",
    {
        "ngspice": "analog_nmos.backends.ngspice:NgspiceBackend",
        "native": "analog_nmos.backends.native:NativeBackend",
    },
)
