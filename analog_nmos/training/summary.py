"""The end of a run: what it reached, the test set once more if asked for, and its curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.digits.data import Split
from analog_nmos.figures.curves import hinge_active, learning_curves, timing
from analog_nmos.training.pruning import COUNTER, last_pruning
from analog_nmos.training.record import PRUNED
from analog_nmos.training.session import Job
from common.plotting import drawn_or_warned
from common.runs.files import plain, write_array, write_json

Arrays = Mapping[str, NDArray[np.float64]]
# Accuracy and outputs (samples, outputs) in volts for gate voltages (edges,), what the objective measured, and samples.
Evaluate = Callable[[NDArray[np.float64], Arrays, Split], tuple[float, NDArray[np.float64]]]


def finish(job: Job, card: ModelCard, measured: Iterable[str], evaluate: Evaluate) -> None:
    """Write the final numbers to run_meta.json and the log, and draw the curves.

    Args:
        job: a replica that has trained all its epochs.
        card: of its transistors.
        measured: names of what its objective measures in an epoch.
        evaluate: see above.
    """
    replica, run = job.replica, job.run
    accuracies = replica.histories["val_acc"]
    best = 1 + int(np.argmax(accuracies[1:]))  # the untrained epoch 0 is no candidate
    result: dict[str, Any] = {
        "final_val_acc": accuracies[-1],
        "selected_val_acc": accuracies[best],
        "selected_epoch": best,
        "selected_on": "test set" if replica.data.validates_on_test else "validation split",
    }
    if replica.config.final_test:
        result |= _final_test(job, best, list(measured), evaluate)
        write_json(run.folder / "0_final_test.json", result)
    if COUNTER in replica.memory:
        result["edges"] = replica.topology.n_edges
        origin = {
            "pruned_from_edges": replica.start.n_edges,
            "epochs": replica.epoch,
            "config": plain(asdict(replica.config)),
        }
        pruned = {"edges": replica.topology.n_edges, "auto_prune": last_pruning(replica, card)}
        replace(replica.topology, meta={**replica.topology.meta, **origin, **pruned}).save(run.folder / PRUNED)
        run.log(f"pruned network: {replica.topology.n_edges} of {replica.start.n_edges} edges left, in {PRUNED}")
    run.note(result=result)
    with drawn_or_warned(f"nmos-figures {run.folder}", run.log):
        learning_curves(run.folder, replica.config.plot_format)
        timing(run.folder, replica.config.plot_format)
        hinge_active(run.folder, replica.config.plot_format)
    run.log(
        f"done: accuracy {result['final_val_acc']:.4f} on the {result['selected_on']} after epoch {replica.epoch}; "
        f"best {result['selected_val_acc']:.4f} at epoch {best} (selected on the {result['selected_on']})"
    )
    if replica.config.final_test:
        selected = result.get("selected_test_acc")
        extra = "" if selected is None else f"; with the gates of epoch {best} {selected:.4f}"
        run.log(f"final test: accuracy {result['final_test_acc']:.4f}{extra}")
    run.log(f"plots and numbers: {run.folder}")


def _final_test(job: Job, best: int, measured: list[str], evaluate: Evaluate) -> dict[str, float]:
    """Test accuracy of the last gate voltages, and of the selected epoch's where its edges are still all there."""
    replica, folder = job.replica, job.run.folder
    result = {}

    def then(name: str) -> NDArray[np.float64]:
        array: NDArray[np.float64] = np.load(folder / f"0_{name}_epoch{best}.npy", allow_pickle=False)
        return array

    gate_V = then("vg_unique")
    if gate_V.size == replica.topology.n_edges:
        arrays = {name: then(name) for name in measured if (folder / f"0_{name}_epoch{best}.npy").exists()}
        result["selected_test_acc"] = evaluate(gate_V, arrays, replica.data.test)[0]
    accuracy, out_V = evaluate(replica.gate_V, replica.memory, replica.data.test)
    write_array(folder / "0_vout_final_test.npy", out_V)
    return {"final_test_acc": accuracy, **result}
