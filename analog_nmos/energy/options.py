"""Options of energy and time: stated capacitances, and what a trainer measures while it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.cli import option, refuse

FARAD: dict[str, Any] = {"unit": "F", "low": 0.0, "high": 1e-3}
NODE_CAP_F = 1e-12


@dataclass(frozen=True, kw_only=True)
class CapacitanceOptions:
    """Capacitances, besides those of the model card (cgso, cgdo, cgbo, cbd, cbs, cj, cjsw)"""

    node_cap: float = option(NODE_CAP_F, "from each output and hidden node to ground", **FARAD)
    gate_cap: float = option(
        0.0, "of each transistor's gate, half of it to its drain's and half to its source's node", **FARAD
    )


@dataclass(frozen=True, kw_only=True)
class EnergyOptions(CapacitanceOptions):
    """Energy and time"""

    energy: bool = option(
        False, "measure power (W) and energy of an inference (J) in every epoch, as columns of metrics.csv"
    )
    energy_samples: int = option(
        10, "validation samples that settling times are worked out for; power is that of all of them", low=1
    )

    def check(self) -> None:
        """Raise InputError where an option has no effect without --energy."""
        if not self.energy:
            for name in ("node_cap", "gate_cap", "energy_samples"):
                refuse(self, name, "needs --energy")
