"""The end of a run: its result, and the final test if --final-test is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.data.split import Split
from analog_nmos.training.pruning import COUNTER, last_pruning
from analog_nmos.training.record import PRUNED
from analog_nmos.training.replica import Replica
from analog_nmos.training.snapshots import trained_snapshots
from common.runs import Run
from common.runs.files import plain, write_array, write_json
from common.runs.result import Result

Arrays = Mapping[str, NDArray[np.float64]]
# From gate voltages (edges,), what the objective measured, and samples to accuracy and outputs (samples, outputs) in V.
Evaluate = Callable[[NDArray[np.float64], Arrays, Split], tuple[float, NDArray[np.float64]]]


def finish(replica: Replica, run: Run, card: ModelCard, measured: Iterable[str], evaluate: Evaluate) -> Result:
    """What a run ends with, after its last files have been written.

    Args:
        replica: one that has trained all its epochs.
        run: its run.
        card: of its transistors.
        measured: names of what its objective measures in an epoch.
        evaluate: see `Evaluate`.
    """
    accuracies = replica.histories["val_acc"]
    best = _best_epoch(replica)
    on = "test set" if replica.data.validates_on_test else "validation split"
    final, selected = {"val_acc": accuracies[-1]}, {"val_acc": accuracies[best]}
    if replica.config.final_test:
        last_acc, best_acc = _final_test(replica, run, best, list(measured), evaluate)
        final["test_acc"] = last_acc
        selected |= {} if best_acc is None else {"test_acc": best_acc}
        _write_final_test(run, final, selected, best, on)
    more = {}
    if COUNTER in replica.memory:
        more["edges"] = replica.topology.n_edges
        _write_pruned(replica, run, card)
    run.log(
        f"done: accuracy {final['val_acc']:.4f} on the {on} after epoch {replica.epoch}; "
        f"best {selected['val_acc']:.4f} at epoch {best} (selected on the {on})"
    )
    if replica.config.final_test:
        extra = f"; with the gates of epoch {best} {selected['test_acc']:.4f}" if "test_acc" in selected else ""
        run.log(f"final test: accuracy {final['test_acc']:.4f}{extra}")
    run.log(f"{'plots and numbers' if replica.config.plots else 'numbers'}: {run.folder}")
    final["epoch"] = replica.epoch
    return Result("selected_val_acc", final, selected, selected_on=on, selected_epoch=best, more=more)


def _best_epoch(replica: Replica) -> int:
    """The snapshot with the best validation accuracy: the first of several, or that with the smallest loss among them.

    Others have left no gate voltages; the untrained epoch 0 is no candidate.
    """
    epochs, histories = trained_snapshots(replica.config), replica.histories
    accuracy = np.array(histories["val_acc"])[epochs]
    if not replica.config.ties_by_loss:
        return int(epochs[np.argmax(accuracy)])
    [loss] = [np.array(values)[epochs] for name, values in histories.items() if _is_val_loss(name)]
    candidates = np.where(accuracy == accuracy.max(), np.nan_to_num(loss, nan=np.inf), np.inf)
    return int(epochs[np.argmin(candidates)])


def _is_val_loss(name: str) -> bool:
    return name.startswith("val_") and name != "val_acc"


def _final_test(
    replica: Replica, run: Run, best: int, measured: list[str], evaluate: Evaluate
) -> tuple[float, float | None]:
    """Test accuracy of the last gate voltages, and of the selected epoch's if no edge was pruned since."""

    def at_best(name: str) -> NDArray[np.float64]:
        array: NDArray[np.float64] = np.load(run.folder / f"0_{name}_epoch{best}.npy", allow_pickle=False)
        return array

    gate_V, selected = at_best("vg_unique"), None
    if gate_V.size == replica.topology.n_edges:
        arrays = {name: at_best(name) for name in measured if (run.folder / f"0_{name}_epoch{best}.npy").exists()}
        selected = evaluate(gate_V, arrays, replica.data.test)[0]
    accuracy, out_V = evaluate(replica.gate_V, replica.memory, replica.data.test)
    write_array(run.folder / "0_vout_final_test.npy", out_V)
    return accuracy, selected


def _write_final_test(run: Run, final: Mapping[str, float], selected: Mapping[str, float], epoch: int, on: str) -> None:
    content = {
        "final_val_acc": final["val_acc"],
        "selected_val_acc": selected["val_acc"],
        "selected_epoch": epoch,
        "selected_on": on,
        "final_test_acc": final["test_acc"],
    }
    own = {"selected_test_acc": selected["test_acc"]} if "test_acc" in selected else {}
    write_json(run.folder / "0_final_test.json", content | own)


def _write_pruned(replica: Replica, run: Run, card: ModelCard) -> None:
    """The network that is left, with its origin."""
    left = replica.topology.n_edges
    origin = {"pruned_from_edges": replica.start.n_edges, "epochs": replica.epoch}
    origin |= {"config": plain(asdict(replica.config))}
    pruned = {"edges": left, "auto_prune": last_pruning(replica, card)}
    replace(replica.topology, meta={**replica.topology.meta, **origin, **pruned}).save(run.folder / PRUNED)
    run.log(f"pruned network: {left} of {replica.start.n_edges} edges left, in {PRUNED}")
