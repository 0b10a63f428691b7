"""`analog_nmos.chips.periphery` in compiled epochs: writing, reading and updating one replica's chip."""

# mypy: allow-untyped-defs

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from analog_nmos.chips.periphery import NO_OUTPUT, Periphery
from common.kernels.jit import leaf, lean


class Stream(NamedTuple):
    """Normal numbers drawn ahead: see `normals.Normals`."""

    values: Any
    at: Any  # (1,)


class Chip(NamedTuple):
    """A `Periphery`, and which edges (E,) are stuck; its fields are there."""

    gate_V: Any  # (E,) registers, which an epoch changes
    stuck: Any  # (E,)
    two_circuits: Any
    read_noise_V: Any
    outputs_first: Any
    gate_step_V: Any
    gate_low_V: Any
    gate_high_V: Any
    gate_noise_V: Any
    update_noise_V: Any
    update_bias_V: Any  # (E,)
    clamped_only: Any
    all_alike: Any  # every edge is updated, by the learning rule alone
    output_of: Any  # (2, E)
    nodes: Any
    outputs: Any
    rising: Any
    free: Any  # Stream, as the following
    clamped: Any
    gates: Any
    updates: Any


def chip_of(periphery: Periphery, gate_V: Any, stuck: Any, *, two_circuits: bool) -> Chip:
    """What a compiled epoch needs of a replica; streams are good for what `Periphery.reserve` has drawn ahead."""
    streams = {name: periphery.streams[name] for name in ("free", "clamped", "gates", "updates")}
    own = {name: Stream(one.values, one.at) for name, one in streams.items()}
    known = {name: getattr(periphery, name) for name in Chip._fields if hasattr(periphery, name)}
    more = (
        periphery.clamped_only or periphery.update_noise_V > 0.0 or bool(periphery.update_bias_V.any() or stuck.any())
    )
    return Chip(**known, **own, gate_V=gate_V, stuck=stuck, two_circuits=two_circuits, all_alike=not more)


@lean
def write(chip, first, second, replica):
    """Write the registers to the edges of both circuits; see `Periphery.written_V`."""
    for e in range(chip.gate_V.size):
        gate_V = chip.gate_V[e]
        if chip.gate_step_V > 0.0:
            steps = np.rint((gate_V - chip.gate_low_V) / chip.gate_step_V)
            gate_V = chip.gate_low_V + steps * chip.gate_step_V
        if chip.gate_noise_V > 0.0:
            gate_V = gate_V + chip.gate_noise_V * chip.gates.values[chip.gates.at[0] + e]
        first.gate_V[first.slot[replica, e]] = gate_V
        if chip.two_circuits:
            second.gate_V[second.slot[replica, e]] = gate_V
    if chip.gate_noise_V > 0.0:
        chip.gates.at[0] += chip.gate_V.size


@lean
def read(chip, node_V, stream):
    """Node voltages (nodes,) become what is read; see `Periphery.read_V`."""
    if chip.read_noise_V > 0.0:
        for i in range(chip.nodes.size):
            node_V[chip.nodes[i]] += chip.read_noise_V * stream.values[stream.at[0] + i]
        stream.at[0] += chip.nodes.size


@lean
def read_free(chip, node_V, out_V):
    """Fill in the outputs (outputs,) of a free phase, whose node voltages become what is read."""
    if chip.outputs_first and chip.read_noise_V > 0.0:
        for i in range(chip.rising.size):
            k = chip.rising[i]
            out_V[k] = node_V[chip.outputs[k]] + chip.read_noise_V * chip.free.values[chip.free.at[0] + i]
        chip.free.at[0] += chip.rising.size
        read(chip, node_V, chip.free)
        return
    read(chip, node_V, chip.free)
    for k in range(out_V.size):
        out_V[k] = node_V[chip.outputs[k]]


@leaf
def takes_part(chip, e, held):
    """Whether a sample whose outputs `held` (outputs,) were clamped updates an edge."""
    if chip.stuck[e]:
        return False
    if not chip.clamped_only:
        return True
    drain, source = chip.output_of[0, e], chip.output_of[1, e]
    return (drain != NO_OUTPUT and held[drain]) or (source != NO_OUTPUT and held[source])


@lean
def is_exact(chip):
    """Whether registers are written as they are."""
    return chip.gate_step_V == 0.0 and chip.gate_noise_V == 0.0


@lean
def fill_moves(chip, held, moves):
    """Fill in which edges (E,) a sample updates whose outputs `held` (outputs,) were clamped; it comes all True."""
    if not chip.all_alike:
        for e in range(moves.size):
            moves[e] = takes_part(chip, e, held)


@lean
def update(chip, first, second, replica, step_V, moves):
    """Move the registers by the learning rule's step_V (E,); returns whether both circuits have them."""
    exact, noise = is_exact(chip), chip.updates.at[0]
    for e in range(chip.gate_V.size):
        own_V = step_V[e]
        if not chip.all_alike:  # the loop without it takes half as long
            own_V += chip.update_bias_V[e]
            if chip.update_noise_V > 0.0:
                own_V += chip.update_noise_V * chip.updates.values[noise + e]
            if not moves[e]:
                continue
        gate_V = min(max(chip.gate_V[e] + own_V, chip.gate_low_V), chip.gate_high_V)
        chip.gate_V[e] = gate_V
        if exact:  # one pass less over all edges
            first.gate_V[first.slot[replica, e]] = gate_V
            if chip.two_circuits:
                second.gate_V[second.slot[replica, e]] = gate_V
    if chip.update_noise_V > 0.0:
        chip.updates.at[0] += chip.gate_V.size
    return exact
