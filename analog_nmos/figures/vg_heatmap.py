"""Gate voltages as images: for each output, the transistor from every pixel to it."""

from __future__ import annotations

from pathlib import Path

from analog_nmos.figures.matrices import connection_counts, mean_per_pair
from analog_nmos.figures.run_files import LeftOut, RunFiles
from analog_nmos.figures.sheet import output_sheet
from common.plotting import save


def vg_heatmap(run: RunFiles, epoch: int, out: Path, plot_format: str = "png") -> list[Path]:
    """vg_heatmap_epoch<n>: one panel per output; grey where there is no transistor; parallel ones averaged."""
    gate_V = run.gate_V(epoch)
    matrix_V = mean_per_pair(run.topology, gate_V)
    copies = int(connection_counts(run.topology).max())
    if copies == 0:
        raise LeftOut("no edge joins an input with an output, so there is no image of gate voltages")
    label = "gate voltage (V)" if copies == 1 else "gate voltage (V), mean of parallel edges"
    title = f"gate voltages, {epoch_name(epoch)} (grey: no transistor)"
    names = [f"output {name}" for name in run.output_labels]
    fig = output_sheet(matrix_V, label, limits=run.limits_V, title=title, names=names)
    return [save(fig, out / f"vg_heatmap_epoch{epoch}", plot_format)]


def epoch_name(epoch: int) -> str:
    """Name of an epoch in figures; 0 is before training."""
    return f"epoch {epoch}" if epoch else "start"
