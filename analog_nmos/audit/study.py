"""The audit of a run: its learning rule, and others, at the gates of its epochs, sample by sample."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.audit.bench import Bench
from analog_nmos.audit.components import Taken, Taking, components_of
from analog_nmos.audit.options import AuditOptions
from analog_nmos.audit.rules import SILENT, Compared, compared
from analog_nmos.audit.samples import FAILED, SKIPPED, TRAINS, Samples
from analog_nmos.backends.base import FloatArray
from analog_nmos.data.split import Split
from analog_nmos.deployment.trained import Trained
from analog_nmos.training.replica import Replica, new_replica

IntArray = NDArray[np.int64]
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Audited:
    """An epoch; N samples were taken apart, and the network has E transistors.

    Attributes:
        epoch: whose gates.
        edge_uid: (E,) numbers of the transistors in the network that the run began with.
        gate_V: (E,) registers.
        sample: (N,) numbers of the samples in their part.
        gradient: (N, E) the loss's negative derivative by the gate voltages, loss unit per V.
        region: (N, E) of the transistors in the free state; see `transistor.states`.
        taken: by the rule's name; arrays (N, ...).
        skipped: samples that the objective does not train on.
        failed: samples of which a state was not found.
        scale_V2: 2 / beta.
    """

    epoch: int
    edge_uid: IntArray
    gate_V: FloatArray
    sample: IntArray
    gradient: FloatArray
    region: NDArray[np.int8]
    taken: dict[str, Taken]
    skipped: int
    failed: int
    scale_V2: float


class Study:
    """What is audited of a run.

    Args:
        name: of the run in messages.
        trained: the run.
        epochs: one for each of its epochs, with that epoch's gates.
        options: checked ones.

    Attributes:
        rules: that are compared.

    Raises:
        InputError: the part has no samples.
    """

    def __init__(self, name: str, trained: Trained, epochs: Sequence[Trained], options: AuditOptions) -> None:
        self.name, self.trained, self.options, self._epochs = name, trained, options, epochs
        self.rules: list[Compared] = compared(options.rules, trained.config)
        self._config = replace(trained.config, **SILENT)
        self._part: Split = getattr(trained.replica.data, options.part)
        count = len(self._part.y)
        self._chosen = np.unique(np.linspace(0, count - 1, min(options.samples, count)).round().astype(np.int64))

    @property
    def units(self) -> int:
        """Samples of all epochs, for a progress bar."""
        return len(self._epochs) * self._chosen.size

    def audited(self, advance: Advance) -> Iterator[Audited]:
        """Epoch by epoch.

        Raises:
            InputError: see `Bench`.
            RunError: transistors whose internal nodes do not come to rest.
        """
        with contextlib.ExitStack() as stack:
            parts: tuple[Replica, Bench, Taking] | None = None
            for trained in self._epochs:
                if parts is None or not np.array_equal(parts[0].edge_uid, trained.gates.edge_uid):
                    stack.close()
                    parts = self._parts(trained, stack)
                yield self._epoch(trained, *parts, advance)

    def _parts(self, trained: Trained, stack: contextlib.ExitStack) -> tuple[Replica, Bench, Taking]:
        """Circuits of an epoch's network."""
        ours = trained.replica
        replica = new_replica(self._config, ours.data, ours.start, ours.chip, ours.sign)
        replica.take(trained.gates.gate_V, trained.gates.edge_uid)
        bench = stack.enter_context(contextlib.closing(Bench(replica, trained.card, trained.state, self._chosen.size)))
        return replica, bench, Taking(bench, replica, trained.card, self.rules)

    def _epoch(self, trained: Trained, replica: Replica, bench: Bench, taking: Taking, advance: Advance) -> Audited:
        gates, readout = trained.gates, replica.data.readout
        bench.set_gates(gates.gate_V)
        samples = Samples(trained.objective(), readout, replica.topology, bench, gates.gate_V, self._part)
        kinds = np.concatenate([samples.kinds(rows)[:count] for rows, count in samples.groups(self._chosen)])
        active = self._chosen[kinds == TRAINS]
        advance(self._chosen.size - active.size)
        groups: list[dict[str, Any]] = []
        for rows, count in samples.groups(active):
            groups.append(_group(samples, taking, rows, count))
            advance(count)
        joined = _joined(groups) if groups else self._nothing(gates.gate_V.size)
        failed = int((kinds == FAILED).sum()) + active.size - len(joined["sample"])
        skipped = int((kinds == SKIPPED).sum())
        return Audited(
            trained.epoch, gates.edge_uid, gates.gate_V, **joined, skipped=skipped, failed=failed,
            scale_V2=taking.scale_V2,
        )  # fmt: skip

    def _nothing(self, edges: int) -> dict[str, Any]:
        """An epoch without any sample that trains."""
        none = np.zeros((0, edges))
        taken = {
            one.name: Taken(dict.fromkeys(components_of(one), none), none[:, 0], none[:, 0] > 0) for one in self.rules
        }
        return {"sample": self._chosen[:0], "gradient": none, "region": none.astype(np.int8), "taken": taken}


def _group(samples: Samples, taking: Taking, rows: IntArray, count: int) -> dict[str, Any]:
    """What is found of some samples; those with a state that was not found are left out."""
    states, found = samples.states(rows)
    taken = taking.taken(states)
    for one in taken.values():
        found = found & one.found
    keep = np.flatnonzero(found[:count])
    parts = {
        name: Taken({which: update[keep] for which, update in one.update.items()}, one.strength[keep], one.found[keep])
        for name, one in taken.items()
    }
    return {
        "sample": rows[keep], "gradient": states.gradient[keep], "region": taking.region(states, keep), "taken": parts,
    }  # fmt: skip


def _joined(groups: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Groups one after the other."""
    found = {name: np.concatenate([group[name] for group in groups]) for name in ("sample", "gradient", "region")}
    taken: dict[str, Taken] = {}
    for name, first in groups[0]["taken"].items():
        all_of_it = [group["taken"][name] for group in groups]
        update = {which: np.concatenate([one.update[which] for one in all_of_it]) for which in first.update}
        strength, there = (np.concatenate([one[place] for one in all_of_it]) for place in (1, 2))
        taken[name] = Taken(update, strength, there)
    return {**found, "taken": taken}
