"""The options of a chip in training: which one it is, how its gates are written, its nodes read, its edges updated.

`analog_nmos.chips.periphery` is what they do, in which order.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analog_nmos.circuit.options import CELSIUS, LARGEST_V
from common.cli import option, refuse
from common.errors import InputError
from common.values import number, shown

SIGMA: dict[str, Any] = {"unit": "V", "low": 0.0, "high": LARGEST_V}
MOST_BITS = 32
SHARE = "%"


@dataclass(frozen=True, kw_only=True)
class ChipOptions:
    """The chip: transistors that differ, and how they are written, read and updated"""

    chip: Path | None = option(
        None, "NPZ or CSV file with each transistor's threshold offset and kp factor (nmos-chip draw makes one)"
    )
    chip_scale: float = option(
        1.0, "times the chip's deviations: offsets, and factors' distances from 1", low=0.0, high=1e4
    )
    one_circuit: bool = option(
        False, "the chip's first circuit is solved free and clamped in turn, in place of two circuits"
    )
    two_circuits: bool = option(
        False, "two circuits also without --chip, so that what the clamped one keeps does not act on the free one"
    )
    read_noise: str = option(
        "0", "standard deviation of every voltage that is read, fresh each time: V, or 0.5% of full scale"
    )
    noise_seed: int = option(0, "seed of all noise, and of what is drawn once for the periphery", low=0, high=2**32 - 1)
    gate_bits: int = option(
        0, "bits of the converter that writes gate voltages over --gate-range; 0 for none", low=0, high=MOST_BITS
    )
    gate_range: str = option(
        "", "gate voltages that can be written, as LOWEST:HIGHEST in V; updates stop there (default: 0.4:8)"
    )
    gate_noise: float = option(0.0, "standard deviation of gate voltages, fresh for every sample", **SIGMA)
    gate_leak: float = option(
        0.0, "share of its distance to --gate-leak-to that a gate voltage loses in an epoch", low=0.0, high=1.0
    )
    gate_leak_to: float = option(0.0, "voltage to which gates leak", unit="V", low=-LARGEST_V, high=LARGEST_V)
    update_bias: float = option(
        0.0, "standard deviation over transistors of what is added to each update, drawn once", **SIGMA
    )
    update_noise: float = option(0.0, "standard deviation of each update of each transistor", **SIGMA)
    update_edges: str = option(
        "all", "transistors that a sample updates: all, or those at a clamped output", choices=("all", "clamped")
    )
    test_temp: float | None = option(
        None, "temperature of the circuit when it is validated and tested (default: --temp)", unit="C", **CELSIUS
    )

    @property
    def has_two_circuits(self) -> bool:
        """Whether the clamped phase has a circuit of its own."""
        return not self.one_circuit and (self.two_circuits or self.chip is not None)

    @property
    def full_scale_V(self) -> float:
        """What percentages of noise refer to."""
        raise NotImplementedError

    @property
    def read_noise_V(self) -> float:
        """The standard deviation of a voltage that is read."""
        text = self.read_noise.strip()
        share = text.endswith(SHARE)
        value = number(text.removesuffix(SHARE))
        return value / 100 * self.full_scale_V if share else value

    @property
    def gate_limits_V(self) -> tuple[float, float] | None:
        """Those of --gate-range; None where it is left out."""
        if not self.gate_range:
            return None
        words = self.gate_range.split(":")
        if len(words) != 2:
            raise InputError(f"argument --gate-range: {shown(self.gate_range)} is not LOWEST:HIGHEST, such as 0.4:8")
        low_V, high_V = map(number, words)
        if not -LARGEST_V <= low_V < high_V <= LARGEST_V:
            raise InputError(f"argument --gate-range: {shown(self.gate_range)} must rise, within {LARGEST_V:g} V")
        return low_V, high_V

    def check(self) -> None:
        """Raise InputError where options contradict each other, or --read-noise or --gate-range is not what it says."""
        _ = self.gate_limits_V
        try:
            noise_V = self.read_noise_V
        except InputError as problem:
            raise InputError(f"argument --read-noise: {problem}") from None
        if not 0.0 <= noise_V <= LARGEST_V:
            raise InputError(f"argument --read-noise: {shown(self.read_noise)} is not between 0 and {LARGEST_V:g} V")
        if self.chip is None:
            refuse(self, "chip_scale", "needs --chip")
        if not self.gate_leak:
            refuse(self, "gate_leak_to", "needs --gate-leak")
