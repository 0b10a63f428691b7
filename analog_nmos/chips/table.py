"""A chip in words and numbers."""

from __future__ import annotations

import json

from analog_nmos.chips.chip import Chip


def describe(chip: Chip) -> list[str]:
    """Lines with the number of edges, and of each array the mean, the standard deviation and the extremes."""
    circuits = "one circuit" if chip.is_one_circuit else "two circuits"
    lines = [f"{chip.n_edges} edges, {circuits}", f"{'':10}{'mean':>12}{'std':>12}{'min':>12}{'max':>12}"]
    for name, values in chip.arrays().items():
        scale, unit = (1e3, "  mV") if name.startswith("vto") else (1.0, "")
        numbers = (values.mean(), values.std(), values.min(), values.max())
        lines.append(f"{name:10}" + "".join(f"{scale * number:12.5g}" for number in numbers) + unit)
    return lines


def describe_meta(chip: Chip) -> str:
    """How the chip was made, as its file says."""
    return f"meta:     {json.dumps(chip.meta) if chip.meta else 'none'}"
