"""What `nmos-topology` does: build, prune, describe and draw networks."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from pathlib import Path

import numpy as np

from analog_nmos.figures.connections import connection_sheet
from analog_nmos.figures.facts import describe
from analog_nmos.figures.network_drawing import output_graphs, whole_graph
from analog_nmos.figures.run_files import LeftOut
from analog_nmos.new_file import check_new_file
from analog_nmos.topology import Topology, find_topology, prune_copies, prune_flat, prune_pairs
from analog_nmos.topology.shapes import SHAPES
from common.cli import build as from_options
from common.errors import InputError
from common.inputs import read_array
from common.plotting import save


def build(arguments: Namespace) -> None:
    """Write the network of `shape` with its options to `out`."""
    check_new_file(arguments.out, arguments.force)
    kind = SHAPES.get(arguments.shape)
    names = {field.name for field in dataclasses.fields(kind)}
    network = from_options(kind, {name: value for name, value in vars(arguments).items() if name in names}).build()
    network.save(arguments.out)
    print(f"{network.n_edges} edges written to {arguments.out}")


def prune(arguments: Namespace) -> None:
    """Write the network of `file` without the edges named by pairs, copies_of, flat or vg_below to `out`."""
    if (arguments.vg_below is None) != (arguments.gate_voltages is None):
        raise InputError("--vg-below and --gate-voltages belong together; give both or neither")
    check_new_file(arguments.out, arguments.force)
    network = find_topology(arguments.file)
    if arguments.pairs:
        pruned = prune_pairs(network, arguments.pairs)
    elif arguments.copies_of:
        pruned = prune_copies(network, arguments.copies_of)
    elif arguments.flat:
        pruned = prune_flat(network, arguments.flat)
    else:
        pruned = prune_below(network, arguments.gate_voltages, arguments.vg_below)
    gone = network.n_edges - pruned.n_edges
    if not gone:
        raise InputError(f"nothing to prune: topology {arguments.file} has none of these edges")
    pruned.save(arguments.out)
    print(f"{gone} of {network.n_edges} edges pruned; {pruned.n_edges} written to {arguments.out}")


def prune_below(network: Topology, path: Path, cutoff_V: float) -> Topology:
    """The network without the edges whose gate voltage is below a cutoff.

    Args:
        network: with E edges.
        path: .npy file of the gate voltages (E,) in volts, e.g. 0_vg_unique_epoch<n>.npy of a run.
        cutoff_V: edges at this voltage stay.

    Raises:
        InputError: the file is missing, damaged, or has no finite voltage for every edge.
    """
    gate_V = read_array(path, "--gate-voltages")
    if gate_V.shape != (network.n_edges,):
        raise InputError(f"--gate-voltages {path}: shape {gate_V.shape}, but the network has {network.n_edges} edges")
    if gate_V.dtype.kind not in "iuf" or not np.isfinite(gate_V).all():
        raise InputError(f"--gate-voltages {path}: they must all be finite numbers")
    return network.keep(gate_V >= cutoff_V, pruned_by=f"gate voltage below {cutoff_V:g} V")


def info(arguments: Namespace) -> None:
    """Print what `file` holds."""
    print("\n".join(describe(find_topology(arguments.file))))


def show(arguments: Namespace) -> None:
    """Draw the network of `file` into the folder `out`: <name>_heatmap, <name>_graph and <name>_graph_outputs."""
    network = find_topology(arguments.file)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise InputError(f"--out {arguments.out}: is not a folder and cannot be created ({problem.strerror})") from None
    stem = arguments.file.stem
    title = f"{stem}: {network.n_edges} edges"
    figures = {"graph": whole_graph(network, title), "graph_outputs": output_graphs(network, title)}
    try:
        figures = {"heatmap": connection_sheet(network, title), **figures}
    except LeftOut as reason:
        print(f"left out: heat map: {reason}")
    for name, fig in figures.items():
        print(save(fig, arguments.out / f"{stem}_{name}", arguments.plot_format))
