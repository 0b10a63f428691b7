"""What surrounds the transistors: rails, resistances, temperatures and solver tolerances, with ngspice's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.cli import option
from common.errors import InputError

BODY_TIES = ("source", "ground", "floating", "drain")
GATE_REFS = ("ground", "drain", "source", "body")
NUDGE_MODES = ("clamp", "held", "current")
# Joins an output that is held to its target: 1 mA moves it by 1e-9 V. Much below, the difference of two voltages that
# drives this current is lost to rounding, and ngspice's test of a source's current does not end at tight tolerances.
HELD_OHM = 1e-6
# Beyond these ranges ngspice rounds, overflows or never ends, and level 1 describes no transistor.
LARGEST_V = 1e3
OHM: dict[str, Any] = {"low": 1e-3, "high": 1e18}
CELSIUS: dict[str, Any] = {"low": -200.0, "high": 400.0}
ITERATIONS: dict[str, Any] = {"low": 1, "high": 100_000}


@dataclass(frozen=True, kw_only=True)
class CircuitOptions:
    """The circuit around the transistors, and the tolerances of its solution."""

    vminus: float = option(0.0, "voltage of the negative rail", unit="V", low=-LARGEST_V, high=LARGEST_V)
    vplus: float = option(0.45, "voltage of the positive rail", unit="V", low=-LARGEST_V, high=LARGEST_V)
    body_tie: str = option(
        "ground",
        "what each transistor's body is connected to; source and drain are the edge's end nodes",
        choices=BODY_TIES,
    )
    gate_ref: str = option(
        "ground",
        "from which node each gate voltage counts; source and drain are the edge's end nodes",
        choices=GATE_REFS,
    )
    body_res: float = option(
        10.0, "resistor from a body node to its tie; 0: tied directly", unit="ohm", low=0.0, high=OHM["high"]
    )
    rs_free: float = option(1e9, "series resistor of an output that is free", unit="ohm", **OHM)
    rs_clamp: float = option(10.0, "series resistor of an output that is clamped", unit="ohm", **OHM)
    nudge_mode: str = option(
        "clamp",
        "how a clamped phase moves an output: clamp joins it to its target through rs_clamp, held holds it there, "
        "current drives a current into it and leaves its series resistor at rs_free (rs_clamp counts for clamp only)",
        choices=NUDGE_MODES,
    )
    solver: str = option("klu", "linear solver of ngspice", choices=("klu", "sparse"))
    temp: float = option(27.0, "temperature of the circuit (TEMP)", unit="C", **CELSIUS)
    tnom: float = option(27.0, "temperature at which the model card holds (TNOM)", unit="C", **CELSIUS)
    itl1: int = option(40, "most Newton iterations of an operating point before source stepping", **ITERATIONS)
    itl2: int = option(40, "most Newton iterations of a DC sweep's step", **ITERATIONS)
    itl4: int = option(
        6, "most Newton iterations of a transient step (ngspice reads it; .op does not use it)", **ITERATIONS
    )
    gmin: float = option(1e-8, "conductance across every junction", unit="S", low=1e-18, high=1.0)
    reltol: float = option(5e-3, "relative tolerance", low=1e-30, high=1.0)
    abstol: float = option(1e-8, "absolute current tolerance", unit="A", low=1e-30, high=1.0)
    vntol: float = option(1e-5, "absolute voltage tolerance", unit="V", low=1e-30, high=1.0)
    rshunt: float = option(1e9, "resistor from every node to ground", unit="ohm", **OHM)

    @property
    def clamp_ohm(self) -> float:
        """Series resistor of an output in a clamped phase that moves it."""
        return {"clamp": self.rs_clamp, "held": HELD_OHM, "current": self.rs_free}[self.nudge_mode]

    def check(self) -> None:
        """Raise InputError where two options contradict each other, or --body-res is no resistor and not 0."""
        if self.vplus <= self.vminus:
            raise InputError(f"--vplus {self.vplus:g} must lie above --vminus {self.vminus:g}")
        if 0.0 < self.body_res < OHM["low"]:
            allowed = f"0 (tied directly) or at least {OHM['low']:g} ohm"
            raise InputError(f"--body-res {self.body_res:g} is out of range; it must be {allowed}")
