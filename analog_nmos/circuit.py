"""What surrounds the transistors: rails, resistances, temperatures and solver tolerances, with ngspice's names."""

from __future__ import annotations

from dataclasses import dataclass

from common.cli import option
from common.errors import InputError

BODY_TIES = ("source", "ground", "floating")


@dataclass(frozen=True, kw_only=True)
class CircuitOptions:
    """Everything of the netlist but the topology, the model card and the sources that training moves."""

    vminus: float = option(0.0, "voltage of the negative rail", unit="V")
    vplus: float = option(0.45, "voltage of the positive rail", unit="V")
    body_tie: str = option("ground", "where each transistor's body goes", choices=BODY_TIES)
    body_res: float = option(10.0, "resistor from a body node to its tie", unit="ohm", above=0.0)
    rs_free: float = option(1e9, "series resistor of an output that is free", unit="ohm", above=0.0)
    rs_clamp: float = option(10.0, "series resistor of an output that is clamped", unit="ohm", above=0.0)
    solver: str = option("klu", "linear solver of ngspice", choices=("klu", "sparse"))
    temp: float = option(27.0, "temperature of the circuit (TEMP)", unit="C", above=-273.15)
    tnom: float = option(27.0, "temperature at which the model card holds (TNOM)", unit="C", above=-273.15)
    itl1: int = option(40, "Newton iterations of an operating point before source stepping", low=1)
    itl2: int = option(40, "Newton iterations of a DC sweep's step", low=1)
    itl4: int = option(6, "Newton iterations of a transient step (ngspice reads it; .op does not use it)", low=1)
    gmin: float = option(1e-8, "smallest conductance of a junction", unit="S", above=0.0)
    reltol: float = option(5e-3, "relative tolerance", above=0.0)
    abstol: float = option(1e-8, "absolute current tolerance", unit="A", above=0.0)
    vntol: float = option(1e-5, "absolute voltage tolerance", unit="V", above=0.0)
    rshunt: float = option(1e9, "resistor from every node to ground", unit="ohm", above=0.0)

    def check(self) -> None:
        """Raise InputError where two options contradict each other."""
        if self.vplus <= self.vminus:
            raise InputError(f"--vplus {self.vplus:g} must lie above --vminus {self.vminus:g}")
