"""Figures of a chip: histograms of its deviations, and where in the network and on the die they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips.chip import Chip
from analog_nmos.chips.die import Die
from analog_nmos.figures.circuit_drawing import CircuitState, circuit_drawing
from analog_nmos.figures.sheet import color_bar
from analog_nmos.topology import Topology
from common.plotting import COLORS, figure, heatmap, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
FEWEST_BINS, MOST_BINS = 10, 40


@dataclass(frozen=True, eq=False)
class Quantity:
    """What is drawn: in the circuit that is solved free and in the clamped one, (edges,) each, or in the only one.

    Attributes:
        name: in file names.
        label: with its unit.
        values: by the name of the circuit.
    """

    name: str
    label: str
    values: dict[str, FloatArray]

    @property
    def reach(self) -> float:
        """The largest deviation, at least a little."""
        return max(float(np.abs(values).max()) for values in self.values.values()) or 1.0


def quantities(chip: Chip) -> list[Quantity]:
    """Threshold offsets in mV, and deviations of kp in percent unless all factors are 1."""
    free, clamp = chip.free(), chip.clamp()
    copies = {"one circuit": free} if chip.is_one_circuit else {"free circuit": free, "clamped circuit": clamp}
    vto_mV = {name: 1e3 * one.vto_offset_V for name, one in copies.items()}
    kp_percent = {name: 1e2 * (one.kp_factor - 1.0) for name, one in copies.items()}
    found = [Quantity("vto", "threshold offset (mV)", vto_mV), Quantity("kp", "deviation of kp (%)", kp_percent)]
    return [one for one in found if one.name == "vto" or any(values.any() for values in one.values.values())]


def histograms(chip: Chip, title: str) -> Figure:
    """How many transistors deviate how far, the clamped circuit as an outline over the free one."""
    found = quantities(chip)
    fig, axes = figure(ncols=len(found), width="double", height_in=2.9, squeeze=False)
    with style():
        fig.suptitle(title, fontsize=9)
        for ax, quantity in zip(axes[0], found, strict=True):
            _histogram(ax, quantity)
        axes[0, 0].set_ylabel("transistors")
    return fig


def network_map(quantity: Quantity, topology: Topology, title: str) -> Figure:
    """The network, its transistors coloured by how far they deviate."""
    states = [CircuitState(f"{title}: {name}", edges=values) for name, values in quantity.values.items()]
    return circuit_drawing(topology, states, edge_label=quantity.label, signed=True)


def die_map(chip: Chip, title: str) -> Figure:
    """The die: a row of panels for each quantity, a panel for each circuit, row 0 of the die on top."""
    found, die = quantities(chip), Die(chip.n_edges)
    columns = max(len(quantity.values) for quantity in found)
    width: Literal["single", "double"] = "single" if columns == 1 else "double"
    fig, axes = figure(nrows=len(found), ncols=columns, width=width, height_in=3.1 * len(found) + 0.3, squeeze=False)
    with style():
        fig.suptitle(title, fontsize=9)
    for row, quantity in zip(axes, found, strict=True):
        image: Any = None
        for ax, (name, values) in zip(row, quantity.values.items(), strict=True):
            limits = (-quantity.reach, quantity.reach)
            image = heatmap(
                ax, die.image(values), quantity.label, center=0.0, limits=limits, colorbar=False, title=name,
                xlabel="column", ylabel="row",
            )  # fmt: skip
        color_bar(fig, image, list(row), quantity.label)
    return fig


def _histogram(ax: Axes, quantity: Quantity) -> None:
    from matplotlib.ticker import MaxNLocator

    everything = np.concatenate(list(quantity.values.values()))
    low, high = float(everything.min()), float(everything.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    n_bins = min(MOST_BINS, max(FEWEST_BINS, int(np.sqrt(everything.size))))
    bins = [float(edge) for edge in np.linspace(low, high, n_bins + 1)]
    looks: Any = ({"color": COLORS[0], "alpha": 0.75}, {"color": COLORS[1], "histtype": "step", "linewidth": 1.3})
    for look, (name, values) in zip(looks, quantity.values.items(), strict=False):
        ax.hist(values, bins, label=f"{name}: mean {values.mean():.3g}, std {values.std():.3g}", **look)
    ax.set(xlabel=quantity.label)
    ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))  # transistors are counted
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.3)
