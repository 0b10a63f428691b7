"""The connections of a topology: for each output the number of transistors from every pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analog_nmos.figures.matrices import connection_counts
from analog_nmos.figures.run_files import LeftOut
from analog_nmos.figures.sheet import output_sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from analog_nmos.topology import Topology


def connection_sheet(topology: Topology, title: str = "connections") -> Figure:
    """One panel per output: blue where the pixel is joined to it, grey where it is not.

    Raises:
        LeftOut: all edges go to hidden nodes, so there is nothing to show.
    """
    counts = connection_counts(topology)
    most = int(counts.max())
    if most == 0:
        raise LeftOut("no edge joins an input with an output, so there is no image of connections")
    shown = np.where(counts > 0, counts, np.nan).astype(float)
    names = [f"output {k}: {int((row > 0).sum())} of {row.size}" for k, row in enumerate(counts)]
    return output_sheet(
        shown,
        "parallel transistors",
        title=f"{title} (blue: connected, grey: not)",
        names=names,
        levels=most,
    )
