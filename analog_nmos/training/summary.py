"""The end of a run: its result, and the final test if --final-test is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.data.split import Split
from analog_nmos.training.damage import recovery, recovery_line
from analog_nmos.training.metric import best_epoch, metric_of, shown, words
from analog_nmos.training.pruning import COUNTER, last_pruning
from analog_nmos.training.record import PRUNED
from analog_nmos.training.replica import Replica
from analog_nmos.training.snapshots import trained_snapshots
from common.runs import Run
from common.runs.files import plain, write_array, write_json
from common.runs.result import Result

Arrays = Mapping[str, NDArray[np.float64]]
# From gate voltages (edges,), what the objective measured, and samples to accuracy (or loss) and outputs (samples,
# outputs) in V.
Evaluate = Callable[[NDArray[np.float64], Arrays, Split], tuple[float, NDArray[np.float64]]]


def finish(
    replica: Replica, run: Run, loss_name: str, card: ModelCard, measured: Iterable[str], evaluate: Evaluate
) -> Result:
    """What a run ends with, after its last files have been written.

    Args:
        replica: one that has trained all its epochs.
        run: its run.
        loss_name: of its objective.
        card: of its transistors.
        measured: names of what its objective measures in an epoch.
        evaluate: see `Evaluate`.
    """
    val = metric_of(replica.data, loss_name)
    test = val.replace("val_", "test_", 1)
    values, on = replica.histories[val], replica.data.validated_on
    best = best_epoch(replica.histories, trained_snapshots(replica.config), replica.config.ties_by_loss)
    final, selected = {val: values[-1]}, {val: values[best]}
    if replica.config.final_test:
        last, chosen = _final_test(replica, run, best, list(measured), evaluate)
        final[test] = last
        selected |= {} if chosen is None else {test: chosen}
        _write_final_test(run, final, selected, best, on)
    more: dict[str, Any] = dict(recovery(replica, loss_name))
    if COUNTER in replica.memory:
        more["edges"] = replica.topology.n_edges
        _write_pruned(replica, run, card)
    run.log(
        f"done: {words(val, final[val])} on the {on} after epoch {replica.epoch}; "
        f"best {shown(val, selected[val])} at epoch {best} (selected on the {on})"
    )
    if line := recovery_line(replica, loss_name):
        run.log(line)
    if replica.config.final_test:
        extra = f"; with the gates of epoch {best} {shown(val, selected[test])}" if test in selected else ""
        run.log(f"final test: {words(val, final[test])}{extra}".replace(val, test))
    run.log(f"{'plots and numbers' if replica.config.plots else 'numbers'}: {run.folder}")
    final["epoch"] = replica.epoch
    return Result(f"selected_{val}", final, selected, selected_on=on, selected_epoch=best, more=more)


def _final_test(
    replica: Replica, run: Run, best: int, measured: list[str], evaluate: Evaluate
) -> tuple[float, float | None]:
    """Test accuracy (or loss) of the last gate voltages, and of the selected epoch's if no edge was pruned since."""

    def at_best(name: str) -> NDArray[np.float64]:
        array: NDArray[np.float64] = np.load(run.folder / f"0_{name}_epoch{best}.npy", allow_pickle=False)
        return array

    gate_V, selected = at_best("vg_unique"), None
    if gate_V.size == replica.topology.n_edges:
        arrays = {name: at_best(name) for name in measured if (run.folder / f"0_{name}_epoch{best}.npy").exists()}
        selected, out_V = evaluate(gate_V, arrays, replica.data.test)
        if not replica.data.readout.answer.classes:  # an interval of the errors needs each of them
            write_array(run.folder / "0_vout_selected_test.npy", out_V)
    accuracy, out_V = evaluate(replica.gate_V, replica.memory, replica.data.test)
    write_array(run.folder / "0_vout_final_test.npy", out_V)
    return accuracy, selected


def _write_final_test(run: Run, final: Mapping[str, float], selected: Mapping[str, float], epoch: int, on: str) -> None:
    numbers = {f"final_{name}": value for name, value in final.items()}
    numbers |= {f"selected_{name}": value for name, value in selected.items()}
    write_json(run.folder / "0_final_test.json", {**numbers, "selected_epoch": epoch, "selected_on": on})


def _write_pruned(replica: Replica, run: Run, card: ModelCard) -> None:
    """The network that is left, with its origin."""
    left = replica.topology.n_edges
    origin = {"pruned_from_edges": replica.start.n_edges, "epochs": replica.epoch}
    origin |= {"config": plain(asdict(replica.config))}
    pruned = {"edges": left, "auto_prune": last_pruning(replica, card)}
    replace(replica.topology, meta={**replica.topology.meta, **origin, **pruned}).save(run.folder / PRUNED)
    run.log(f"pruned network: {left} of {replica.start.n_edges} edges left, in {PRUNED}")
