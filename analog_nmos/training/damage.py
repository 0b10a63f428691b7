"""Damage in training: transistors break between two epochs, for good, and the network trains on without them.

Damage "after epoch N" strikes when epoch N is complete, as the first thing of the next one: a run that ends with epoch
N is not damaged, and one whose --epochs is raised is. The network is validated once more right after it, which draws
from the stream of noise "tested" like every validation, before epoch N + 1 is trained. All of it is committed with
epoch N + 1: a run that is killed before strikes again, in the same way. Both circuits of a chip lose the transistor.

An output that loses its last transistor goes on: its resistors hold it at one voltage, whatever the input, and the log
says so. A run whose network would have no transistor left fails in one line, and so does one that would be left with
edges from inputs to outputs alone while it began with others.

Which transistors break depends on --damage-seed (stream "damage") and on which are left, nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analog_nmos.topology import Topology
from analog_nmos.topology.graph import out_of_reach
from analog_nmos.training.circuits import Circuits
from analog_nmos.training.damage_options import ON, OPEN
from analog_nmos.training.metric import ACCURACY, metric_of, shown, words
from analog_nmos.training.pruning import forget_edges
from analog_nmos.training.replica import DAMAGE, STUCK, Replica
from common.errors import RunError
from common.runs.files import write_json

FILE = "0_damage.json"
POINT = 0.01  # an accuracy is back when it is this near, a loss when it is larger by this share at most
SHOWN = 12  # outputs that a line names


@dataclass(frozen=True)
class Strike:
    """What broke, and what the validation measured before and right after; numbers as in the histories val_...

    Attributes:
        epoch: after which; 0 for before training.
        transistors: how many were left before.
        edges: numbers in topology.npz, by kind.
        before, after: by the history's name.
    """

    epoch: int
    transistors: int
    edges: dict[str, list[int]]
    before: dict[str, float]
    after: dict[str, float]


def break_transistors(
    replicas: Mapping[int, Replica], circuits: Circuits
) -> tuple[dict[int, dict[str, list[int]]], dict[int, RunError]]:
    """Break what is to break after the last complete epoch.

    Args:
        replicas: those whose next epoch is about to begin, by row.
        circuits: of all replicas.

    Returns:
        By row the edges that broke, by kind; and the failures of replicas that cannot go on, which are left as they
        were.
    """
    keeps, broken, failures = {}, {}, {}
    for row, replica in replicas.items():
        if replica.damage is None or not replica.damage.strikes_after(replica.epoch):
            continue
        edges = replica.damage.broken(replica.epoch, replica.edge_uid)
        keep = ~np.isin(replica.edge_uid, edges.get(OPEN, np.zeros(0, np.int64)))
        if (reason := _cannot_go_on(replica.topology, keep)) is not None:
            failures[row] = RunError(f"damage after epoch {replica.epoch}: {reason}")
            continue
        _hold_gates(replica, edges)
        broken[row] = {kind: uid.tolist() for kind, uid in edges.items()}
        if not keep.all():
            forget_edges(replica, keep)
            keeps[row] = keep
    if keeps:
        circuits.prune(keeps)
    return broken, failures


def record_strike(
    folder: Path, replica: Replica, loss_name: str, edges: dict[str, list[int]], after: dict[str, float]
) -> list[str]:
    """Write 0_damage.json; returns lines for the log.

    Args:
        folder: of the run.
        replica: after the damage.
        loss_name: of its objective.
        edges: that broke, by kind.
        after: what the validation has measured since.
    """
    before = {name: replica.histories[name][-1] for name in after}
    there = replica.topology.n_edges + len(edges.get(OPEN, ()))
    strike = Strike(replica.epoch, there, edges, before, after)
    so_far = [*strikes(replica), strike]
    text = json.dumps([asdict(one) for one in so_far]).encode()
    replica.memory[DAMAGE] = np.frombuffer(text, np.uint8)
    config = replica.config
    asked = {name: getattr(config, f"damage_{name}") for name in ("share", "kind", "seed", "list")}
    if config.damage_list is not None:
        asked |= {"kind": None, "seed": None}
    metric = metric_of(replica.data, loss_name)
    write_json(folder / FILE, {**asked, "metric": metric, "strikes": [asdict(one) for one in so_far]})
    return _lines(replica, strike)


def strikes(replica: Replica) -> list[Strike]:
    """Those that the replica has had, the earliest first."""
    text: NDArray[np.uint8] | None = replica.memory.get(DAMAGE)
    return [] if text is None else [Strike(**facts) for facts in json.loads(text.tobytes())]


def recovery(replica: Replica, loss_name: str) -> dict[str, float | int | None]:
    """For the result of a damaged run: what the last damage did to its accuracy (or loss), and how fast it came back.

    `recovery_epochs` are the epochs after the damage until the accuracy was at most a point below that before, or the
    loss at most 1 percent above: 0 if it has been all along, None if it was never, or if the damage came before
    training. `recovery_before` and `recovery_after`: the values before and right after. Empty without damage.
    """
    found = strikes(replica)
    if not found:
        return {}
    metric, last = metric_of(replica.data, loss_name), found[-1]
    before, after = last.before[metric], last.after[metric]
    values = [after, *replica.histories[metric][last.epoch + 1 :]]
    back = [epochs for epochs, value in enumerate(values) if is_back(metric, before, value)]
    epochs = back[0] if back and last.epoch else None
    return {"recovery_epochs": epochs, "recovery_before": before, "recovery_after": after}


def recovery_line(replica: Replica, loss_name: str) -> str | None:
    """`recovery` for the log; None without damage."""
    found = recovery(replica, loss_name)
    if not found or not strikes(replica)[-1].epoch:
        return None
    metric, epochs, before = metric_of(replica.data, loss_name), found["recovery_epochs"], found["recovery_before"]
    assert before is not None
    near = "a point" if metric == ACCURACY else "1 percent"
    if epochs == 0:
        return f"recovery: the damage cost less than {near} of {words(metric, before)}"
    when = "not back" if epochs is None else f"back {epochs} epoch(s) after the damage"
    return f"recovery: {when}, to within {near} of {words(metric, before)}"


def is_back(metric: str, before: float, value: float) -> bool:
    """Whether a value is as good as before, to a point of accuracy or a percent of loss."""
    if metric == ACCURACY:
        return value >= before - POINT - 1e-12
    return value <= before * (1 + POINT)


def warning_if_never(replica: Replica) -> str | None:
    """A line for the log if a run ends before its damage; else None."""
    last = -1 if replica.damage is None else replica.damage.last_epoch
    if last < replica.config.epochs:
        return None
    return f"warning: no damage after epoch {last}: the run ends with epoch {replica.config.epochs}; raise --epochs"


def _hold_gates(replica: Replica, edges: Mapping[str, NDArray[np.int64]]) -> None:
    """Gates of edges that are on at the end of the range, and no edge that broke learns on."""
    on = np.isin(replica.edge_uid, edges.get(ON, np.zeros(0, np.int64)))
    low_V, high_V = replica.gate_range_V
    replica.gate_V = np.where(on, high_V if replica.sign > 0 else low_V, replica.gate_V)
    struck = np.isin(replica.edge_uid, np.concatenate([np.zeros(0, np.int64), *edges.values()]))
    replica.memory[STUCK] = replica.stuck | struck


def _cannot_go_on(topology: Topology, keep: NDArray[np.bool_]) -> str | None:
    """Why a network cannot do without the edges outside the mask (edges,); None if it can."""
    if not keep.any():
        return f"none of {keep.size} transistors would be left"
    direct = np.isin(topology.edges_D, topology.input_nodes) & np.isin(topology.edges_S, topology.out_nodes)
    if direct[keep].all() and not direct.all():  # native would solve it in another way, which no checkpoint fits
        return "only transistors from inputs to outputs would be left"
    return None


def _lines(replica: Replica, strike: Strike) -> list[str]:
    what = ", ".join(f"{len(uid)} {kind}" for kind, uid in strike.edges.items()) or "none"
    values = [f"{words(name, old)} -> {shown(name, strike.after[name])}" for name, old in strike.before.items()]
    lines = [f"damage after epoch {strike.epoch}: of {strike.transistors} transistors {what}; {', '.join(values)}"]
    if strike.edges.get(OPEN) and (lost := out_of_reach(replica.topology)).size:
        named = ", ".join(map(str, lost[:SHOWN].tolist())) + ", ..." * (lost.size > SHOWN)
        lines.append(f"warning: no path of transistors is left from an input to output {named} (counted from 0)")
    return lines
