"""The shapes of networks that `nmos-topology build` makes, one file each."""

from __future__ import annotations

from analog_nmos.topology.shape import Shape
from common.plugins import Registry

_HERE = __package__
SHAPES: Registry[type[Shape]] = Registry(
    "shape",
    Shape,
    {
        "dense": f"{_HERE}.dense:Dense",
        "layered": f"{_HERE}.layered:Layered",
        "torus": f"{_HERE}.torus:Torus",
        "random": f"{_HERE}.random:Random",
    },
)
