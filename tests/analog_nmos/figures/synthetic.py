"""A run folder with known numbers: what a trainer would have written, without training."""

import json

import networkx as nx
import numpy as np

from analog_nmos.topology.graph import as_graph


def write_run(
    folder, network, epochs=3, loss="hinge", pruned_after=None, gate_V=None, validated_on="test set", **facts
):
    """Write a finished run; returns the gate voltages of all epochs, (epochs + 1, edges), NaN where pruned.

    `pruned_after` is an epoch: the first two edges are gone in the later ones.
    """
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    if gate_V is None:
        gate_V = rng.uniform(1, 3, (epochs + 1, network.n_edges))
    meta = {"config": {"epochs": epochs}, "status": "done", "package": "analog_nmos", "validated_on": validated_on}
    (folder / "run_meta.json").write_text(json.dumps(meta | facts))
    network.save(folder / "topology.npz")
    nx.write_graphml(as_graph(network, gate_V[0]), folder / "0.graphml")
    for epoch in range(epochs + 1):
        counts = rng.integers(0, 9, (network.n_outputs, network.n_outputs))
        np.save(folder / f"0_val_confusion_epoch{epoch}.npy", counts)
        which = "val" if validated_on == "validation split" else "test"
        np.save(folder / f"0_vout_{which}_epoch{epoch}.npy", np.zeros((4, network.n_outputs)))
        left = np.arange(network.n_edges)
        if pruned_after is not None and epoch > pruned_after:
            left = left[2:]
            gate_V[epoch, :2] = np.nan
            np.save(folder / f"0_edge_uid_epoch{epoch}.npy", left)
        if epoch:
            np.save(folder / f"0_vg_unique_epoch{epoch}.npy", gate_V[epoch, left])
    for name in ("train_acc", f"train_{loss}", *(f"epoch_{part}_s" for part in ("total", "free", "clamp", "update"))):
        np.save(folder / f"0_{name}.npy", rng.uniform(0, 1, epochs))
    for name in ("val_acc", f"val_{loss}"):
        np.save(folder / f"0_{name}.npy", rng.uniform(0, 1, epochs + 1))
    if loss == "hinge":
        np.save(folder / "0_hinge_active_frac.npy", np.linspace(1, 0.5, epochs))
    return gate_V
