"""The graph of a run: the whole network, and the part of each output, with edges coloured by gate voltage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analog_nmos.figures.edge_colors import EdgeColors
from analog_nmos.figures.network_drawing import output_graphs, whole_graph
from analog_nmos.figures.network_layout import period
from analog_nmos.figures.run_files import RunFiles
from analog_nmos.figures.vg_heatmap import epoch_name
from common.plotting import save


def vg_graph(run: RunFiles, epoch: int, out: Path, plot_format: str = "png") -> list[Path]:
    """vg_graph_epoch<n>: the whole network, and vg_graph_outputs_epoch<n>: a panel per output with its edges alone."""
    gate_V = run.gate_V(epoch)
    there = np.isfinite(gate_V)
    network = run.topology.keep(there)
    # The same colours in every epoch: centred on the first median, wide enough for the whole run.
    center_V = float(np.nanmedian(run.readable[min(run.readable)]))
    colors = EdgeColors(gate_V[there], run.limits_V, center_V)
    # On a grid inputs may be anywhere.
    where = "" if period(network) is not None else " between inputs (above) and outputs (below)"
    title = f"{epoch_name(epoch)}: {network.n_edges} edges{where}"
    return [
        save(draw(network, title, colors, run.output_labels), out / f"{name}_epoch{epoch}", plot_format)
        for name, draw in (("vg_graph", whole_graph), ("vg_graph_outputs", output_graphs))
    ]
