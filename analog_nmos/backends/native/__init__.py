"""The native transistor solver: ngspice's equations, compiled, without ngspice.

Reading order: device (one transistor), edge (its internal nodes eliminated), kernel (Newton for one output), lanes
(compiled entry points), hidden (networks whose free nodes hang together), backend (the interface).
"""

from analog_nmos.backends.native.backend import NativeBackend

__all__ = ["NativeBackend"]
