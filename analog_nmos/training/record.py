"""The files of a run folder: what is written at the start, and what each epoch adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit.netlist import Sources, write_netlist
from analog_nmos.objectives.base import Objective
from analog_nmos.topology.graph import as_graph
from analog_nmos.training import published
from analog_nmos.training.epoch import Training, Validation
from analog_nmos.training.replica import Replica
from common.runs.files import atomic_writer, write_array, write_json, write_text

TOPOLOGY, CARD, CHIP, PRUNED = "topology.npz", "model_card.lib", "chip.npz", "topology_final_pruned.npz"
DAMAGE_LIST = "damage_list.csv"
COUNTS = ("reload_free", "reload_clamp", "nonfinite_free", "nonfinite_clamp")
FEW = 5  # samples
SECONDS = ("epoch_total_s", "epoch_free_s", "epoch_clamp_s", "epoch_update_s")


def write_start(folder: Path, replica: Replica, card: ModelCard) -> None:
    """Topology, model card, netlist, graph and test set: the folder explains itself without any other file."""
    import networkx as nx

    config, topology = replica.config, replica.topology
    write_text(folder / CARD, card.text)
    topology.save(folder / TOPOLOGY)
    if replica.chip is not None:
        replica.chip.save(folder / CHIP)
    if replica.damage is not None and replica.damage.text:
        write_text(folder / DAMAGE_LIST, replica.damage.text)
    empty = Sources(np.full(topology.n_inputs, config.input_vmin), replica.gate_V, np.zeros(topology.n_outputs))
    write_text(folder / "netlist_initial.cir", write_netlist(topology, card, config, empty, replica.deviations[0]))
    with atomic_writer(folder / "0.graphml") as stream:
        nx.write_graphml(as_graph(topology, replica.gate_V), stream)
    write_array(folder / "test_x.npy", replica.data.test.x_V)
    write_array(folder / "test_y.npy", replica.data.test.y)
    if not replica.data.validates_on_test:
        write_array(folder / "val_x.npy", replica.data.val.x_V)
        write_array(folder / "val_y.npy", replica.data.val.y)


def record_validation(
    folder: Path | None, replica: Replica, objective: Objective, validation: Validation
) -> tuple[dict[str, float], dict[str, Any]]:
    """Extend the histories by a validation, and write outputs, confusion and diagnostics of the epoch.

    Args:
        folder: of the run; None for an epoch that leaves no files, whose diagnostics are not worked out.
        replica: after the epoch.
        objective: of this replica alone.
        validation: its outputs.

    Returns:
        Accuracy (where answers are classes) and loss, and the diagnostics.
    """
    numbers, (score_V, label, prediction) = evaluated(replica, objective, validation)
    replica.record(numbers)
    if folder is None:
        return numbers, {}
    diagnostics: dict[str, Any] = {
        "val_reloads": float(validation.reloads),
        "val_nonfinite": float(validation.nonfinite),
        **(objective.diagnostics(score_V, label) if len(label) else {}),
    }
    _write_validation(folder, replica, validation.out_V, (label, prediction), diagnostics)
    return numbers, diagnostics


def evaluated(
    replica: Replica, objective: Objective, validation: Validation
) -> tuple[dict[str, float], tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]:
    """Accuracy (where answers are classes) and loss of a validation; arguments as in `record_validation`.

    Returns:
        Those; and of the samples that were solved the scores (samples, S) in V, targets and predictions (samples,).
    """
    part = replica.data.val
    solved = np.isfinite(validation.out_V).all(axis=1)
    out_V, label = validation.out_V[solved], part.y[solved]
    readout, prediction = replica.data.readout, part.label[:0]
    score_V, classes = readout.scores_V(out_V), readout.answer.classes
    numbers = {"val_acc": 0.0} if classes else {}
    numbers[f"val_{objective.loss_name}"] = float("nan")
    if len(label):
        evaluation = objective.evaluate(score_V, label)
        prediction = evaluation.prediction
        if classes:  # A failed operating point counts as wrong: leaving it out would raise the accuracy.
            numbers["val_acc"] = float((prediction == label).sum() / len(part.y))
        numbers[f"val_{objective.loss_name}"] = float(evaluation.loss.mean())
    return numbers, (score_V, label, prediction)


def _write_validation(
    folder: Path,
    replica: Replica,
    out_V: NDArray[np.float64],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    diagnostics: Mapping[str, Any],
) -> None:
    """Outputs (samples, outputs), the counts of pairs of true and predicted class, and diagnostics."""
    epoch, which = replica.epoch, "test" if replica.data.validates_on_test else "val"
    write_json(folder / f"0_diag_epoch{epoch}.json", diagnostics)
    write_array(folder / f"0_vout_{which}_epoch{epoch}.npy", out_V)
    if replica.data.readout.answer.classes:
        confusion = np.zeros((len(replica.data.classes),) * 2, np.int64)
        np.add.at(confusion, pairs, 1)
        write_array(folder / f"0_val_confusion_epoch{epoch}.npy", confusion)


def record_training(replica: Replica, row: int, objective: Objective, sums: Training) -> dict[str, float]:
    """Extend the histories by an epoch of training; returns accuracy and loss.

    Seconds are divided by the number of replicas that trained, so that they add up to the time measured.
    """
    samples, evaluated = len(replica.data.train.y), max(int(sums.evaluated[row]), 1)
    numbers = {"train_acc": float(sums.correct[row] / samples)} if replica.data.readout.answer.classes else {}
    numbers[f"train_{objective.loss_name}"] = float(sums.loss[row] / evaluated)
    if objective.skips_samples:
        numbers["hinge_active_frac"] = float(sums.active[row] / evaluated)
    replicas = int((sums.solves > 0).sum())
    seconds = {name: getattr(sums, f"{name.removeprefix('epoch_')}") / replicas for name in SECONDS}
    replica.record({**numbers, **{name: int(getattr(sums, name)[row]) for name in COUNTS}, **seconds})
    return numbers


def write_epoch(folder: Path, replica: Replica, objective: Objective, row: int, sums: Training) -> None:
    """Gate voltages of an epoch, what the objective measured, and the outputs that training saw where they are kept."""
    epoch = replica.epoch
    if sums.out_V is not None:
        write_array(folder / f"0_vout_train_epoch{epoch}.npy", sums.out_V[row])
    write_array(folder / f"0_vg_unique_epoch{epoch}.npy", replica.gate_V)
    if replica.topology.n_edges < replica.start.n_edges:
        write_array(folder / f"0_edge_uid_epoch{epoch}.npy", replica.edge_uid)
    for name, values in objective.epoch_facts(row).items():
        write_json(folder / f"0_{name}_epoch{epoch}.json", values)
    for name, array in objective.epoch_arrays(row).items():
        write_array(folder / f"0_{name}_epoch{epoch}.npy", array)


def write_summary(
    folder: Path,
    replica: Replica,
    card: ModelCard,
    objective: Objective,
    train: Mapping[str, float],
    val: Mapping[str, Any],
) -> None:
    """The summary of an epoch that has trained and validated, under our names and the published ones.

    Args:
        folder: of the run.
        replica: after the epoch, before pruning.
        card: of its transistors.
        objective: what it trains for.
        train: accuracy, loss and counts.
        val: accuracy, loss and diagnostics.
    """
    config = replica.config
    facts, gate_V = published.epoch_facts(replica, type(objective), card), replica.gate_V
    loss = objective.loss_name
    seconds = {name: replica.histories[name][-1] for name in SECONDS}
    ours = {"mean": gate_V.mean(), "std": gate_V.std(), "min": gate_V.min(), "max": gate_V.max(), "edges": gate_V.size}
    summary = {
        **facts,
        "config": {**{field.name: getattr(config, field.name) for field in fields(config)}, **facts["config"]},
        "train": {
            **{name: train[f"train_{name}"] for name in ("acc", loss) if f"train_{name}" in train},
            **train,
            **{name: replica.histories[name][-1] for name in COUNTS},
        },
        "val": {**{name: val[f"val_{name}"] for name in ("acc", loss) if f"val_{name}" in val}, **val},
        "timing_s": {
            **{name.removeprefix("epoch_").removesuffix("_s"): value for name, value in seconds.items()},
            **published.seconds(seconds),
        },
        "vg_stats": {**ours, **facts["vg_stats"]},
    }
    write_json(folder / f"0_epoch_summary_epoch{replica.epoch}.json", summary)


def metrics_row(replica: Replica, objective: Objective) -> dict[str, Any]:
    """The replica's latest epoch for metrics.csv; the training columns of epoch 0 are nan."""
    loss = objective.loss_name
    names = ["train_acc", f"train_{loss}", "val_acc", f"val_{loss}", *COUNTS, *SECONDS]
    names = names if replica.data.readout.answer.classes else [name for name in names if not name.endswith("_acc")]
    names += ["hinge_active_frac"] if objective.skips_samples else []
    latest = {name: replica.histories.get(name, [float("nan")])[-1] for name in names}
    return {
        "epoch": replica.epoch,
        **latest,
        "edges": replica.topology.n_edges,
        "vg_mean_V": float(replica.gate_V.mean()),
    }


def epoch_line(replica: Replica, numbers: dict[str, float]) -> str:
    """The log line of an epoch: accuracies to four digits, losses to six, edges where some are pruned, seconds."""
    shown = [
        f"{name} {value:.4f}" if "acc" in name or "frac" in name else f"{name} {value:.6f}"
        for name, value in numbers.items()
    ]
    if "epoch_total_s" in replica.histories:
        shown.append(f"{replica.histories['epoch_total_s'][-1]:.2f} s")
    return f"epoch {replica.epoch}: {'  '.join(shown)}  edges {replica.topology.n_edges}"


def guessing_line(replica: Replica) -> str | None:
    """A warning for the log if the first epoch has left the network no better than guessing; else None.

    Accuracies are compared, not losses: at a small temperature the cross-entropy of a network that is right most of the
    time may well be above that of guessing. Both the training and the validation accuracy have to be at most one
    standard deviation above it. A few samples say nothing after one epoch.
    """
    few = len(replica.data.train.y) < FEW
    if replica.epoch != 1 or few or not replica.data.readout.answer.classes:
        return None
    chance = replica.data.chance
    for part, samples in (("train", len(replica.data.train.y)), ("val", len(replica.data.val.y))):
        accuracy = replica.histories[f"{part}_acc"][-1]
        if accuracy > chance + (chance * (1 - chance) / samples) ** 0.5:
            return None
    return (
        f"warning: nothing learned after epoch 1: the accuracy {accuracy:.4f} is that of guessing ({chance:g}); "
        "check --gamma, --delta, the gate voltages and the rails"
    )
