"""Output for people: the architecture as a table, a panel for every meta-loop on a terminal, plain lines in a log."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from common.guessing import guessing_line
from psa_resmlp.model.network import roles
from psa_resmlp.study.architectures import FAMILY_TITLES, Architecture
from psa_resmlp.training.replica import Loop, Replica

WIDTH = 88
TITLES = {"entry": "linear, ReLU", "inner": "block: linear, ReLU", "residual": "block: linear, + input, ReLU"}


def architecture_table(architecture: Architecture, family: str) -> str:
    """The linear layers of a network, equal ones in one line, with their parameters."""
    from rich.table import Table

    title = f"{FAMILY_TITLES[family]} {architecture}: {architecture.parameters(family):,} parameters"
    table = Table(title=title)
    for name in ("times", "layer", "inputs", "outputs", "parameters"):
        table.add_column(name, justify="left" if name == "layer" else "right")
    counts: dict[tuple[str, int, int], int] = {}
    for kind, size in zip(roles(architecture, family), architecture.linears(family), strict=True):
        key = (TITLES.get(kind, "linear (logits)"), *size)
        counts[key] = counts.get(key, 0) + 1
    for (kind, inputs, outputs), count in counts.items():
        table.add_row(str(count), kind, str(inputs), str(outputs), f"{count * (inputs + 1) * outputs:,}")
    return drawn(table)


def loop_panel(replicas: Sequence[Replica], loops: Sequence[Loop], images: int, last: int) -> str:
    """A panel about one meta-loop, a row for every trial."""
    from rich.panel import Panel
    from rich.table import Table

    table = Table(box=None, padding=(0, 2))
    for name in ("trial", "train loss", "validation %", "bounty %", "of loop", "kept", "damaged next"):
        table.add_column(name, justify="right")
    for replica, loop in zip(replicas, loops, strict=True):
        damage = f"layer {loop.layer}, neuron {loop.neuron}" if loop.layer >= 0 else "-"
        values = (f"{100 * hits / images:.2f}" for hits in (loop.val_hits, loop.bounty_hits))
        kept = "yes" if loop.accepted else "no"
        row = (str(replica.trial), f"{loop.train_loss:.4f}", *values, str(loop.bounty_loop), kept, damage)
        table.add_row(*row)
    seconds = sum(loop.seconds for loop in loops)
    title = f"meta-loop {loops[0].meta_loop} of {last}, {loops[0].mode}, {seconds:.2f} s"
    return drawn(Panel(table, title=title, title_align="left"))


def loop_line(replica: Replica, loop: Loop, images: int) -> str:
    """The same as one line."""
    found, best = (100 * hits / images for hits in (loop.val_hits, loop.bounty_hits))
    kept = "kept" if loop.accepted else f"dropped (best is of loop {loop.bounty_loop})"
    return (
        f"meta-loop {loop.meta_loop} trial {replica.trial} {loop.mode}: loss {loop.train_loss:.4f}, "
        f"validation {found:.2f}%, bounty {best:.2f}%, {kept}, {loop.seconds:.2f} s"
    )


def test_line(replica: Replica, tested: int, images: tuple[int, int]) -> str:
    """The last line of a trial.

    Args:
        replica: the trial.
        tested: how many test images its LKG classifies correctly.
        images: numbers of validation and of test images.
    """
    bounty, test = 100 * replica.bounty_hits / images[0], 100 * tested / images[1]
    of = f"of the network of meta-loop {replica.bounty_loop} (bounty {bounty:.2f}%)"
    return f"trial {replica.trial}: test accuracy {test:.2f}% {of}"


def guessing_note(replica: Replica, loop: Loop) -> str | None:
    """A warning after the first meta-loop if it has taught the network nothing; None otherwise."""
    line = guessing_line(loop.meta_loop, loop.train_loss) if loop.meta_loop == 1 else None
    return line and f"{line} (trial {replica.trial} {loop.mode})"


def damage_line(replica: Replica, loop: Loop) -> str:
    """The line about the neuron that is damaged in a copy after a meta-loop."""
    return (
        f"meta-loop {loop.meta_loop} trial {replica.trial}: layer {loop.layer} neuron {loop.neuron} damaged in a copy"
    )


def drawn(thing: Any) -> str:
    """A table or panel of rich as text."""
    from rich.console import Console

    out = io.StringIO()
    Console(file=out, width=WIDTH, no_color=True).print(thing)
    return out.getvalue().rstrip("\n")
