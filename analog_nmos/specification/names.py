"""The imperfections that have a limit: their names, titles and units, and the levels that are tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analog_nmos.chips.draw import KP_SIGMA, VTO_SIGMA_V

KP_PER_V = KP_SIGMA / VTO_SIGMA_V  # of the published chips: 0.5 percent for 10 mV
OCTAVES = 14
BITS = tuple(range(16, 0, -1))
REPAIRED = "repaired-mismatch"


@dataclass(frozen=True)
class Quantity:
    """An imperfection.

    Attributes:
        name: on the command line and in files.
        title: in tables.
        unit: of its levels.
        levels: from harmless to harmful; those of bits are all that there are.
    """

    name: str
    title: str
    unit: str
    levels: tuple[float, ...]

    @property
    def rises(self) -> bool:
        """Whether larger levels are worse; fewer bits are."""
        return self.levels[0] < self.levels[-1]


def _ladder(most: float) -> tuple[float, ...]:
    return tuple((most * 0.5 ** np.arange(OCTAVES)[::-1]).tolist())


QUANTITIES = {
    one.name: one
    for one in (
        Quantity("mismatch", f"mismatch of vto and kp ({0.01 * KP_PER_V:.1%} for 10 mV)", "V (sigma)", _ladder(1.0)),
        Quantity("vto", "mismatch of vto alone", "V (sigma)", _ladder(1.0)),
        Quantity("kp", "mismatch of kp alone", "of kp (sigma)", _ladder(1.0)),
        Quantity("read-noise", "read noise", "V (sigma)", _ladder(1.0)),
        Quantity("gate-noise", "gate noise", "V (sigma)", _ladder(1.0)),
        Quantity("gate-bits", "gate bits", "bits", BITS),
    )
}
NAMES = tuple(QUANTITIES)
