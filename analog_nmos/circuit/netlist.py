"""The SPICE netlist of a transistor network: self-contained text that any ngspice 39 to 45 reads without a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import SUBCIRCUIT, ModelCard
from analog_nmos.cards.own_values import own_values
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.topology import Topology

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sources:
    """Values that change in training, all in volts: inputs (inputs,), gates (edges,), and VOUT (outputs,)."""

    input_V: FloatArray
    gate_V: FloatArray
    sink_V: FloatArray


def sink_node(topology: Topology, output: int) -> int:
    """Number of the node between RS<output + 1> and VOUT<output>, after the largest numbered node."""
    return topology.max_node + 1 + output


def write_netlist(
    topology: Topology,
    card: ModelCard,
    options: CircuitOptions,
    sources: Sources,
    deviations: Deviations | None = None,
) -> str:
    """The netlist with all outputs free, one element a line, ending in .op and .end.

    Names: VMINUS, VPLUS, VIN<i>, RS<k> (from 1), VOUT<j> (from 0), VG<e>, RB<e>, X<e>; gate nodes g<e>, bodies b<e>
    (with a --body-res of 0 the node that they are tied to, and no RB<e>). With --nudge-mode current there is an
    IOUT<j> (from 0) too, which drives a current into output j: 0 A as long as this is free.
    A transistor that deviates from the card is M<e> instead, with a model OWN<n> that has its vto and kp.

    Raises:
        InputError: see `own_values`.
    """
    models, own = _own_models(card, deviations)
    lines = [
        f"nonideal transistor network: {topology.n_edges} edges, body {options.body_tie}",
        *_card_lines(card),
        *models,
        _options(options),
        f"VMINUS {topology.negref} 0 dc {_number(options.vminus)}",
        f"VPLUS {topology.posref} 0 dc {_number(options.vplus)}",
        *(f"VIN{i} {node} 0 dc {_number(sources.input_V[i])}" for i, node in enumerate(topology.input_nodes)),
        *_outputs(topology, options, sources),
        *_edges(topology, card, options, sources, own),
        ".op",
        ".end",
    ]
    return "\n".join(lines) + "\n"


def _card_lines(card: ModelCard) -> Iterator[str]:
    """The card itself rather than an .include, so that the file means the same on every machine."""
    return (line.rstrip() for line in card.text.split("\n") if line.strip())


def _options(options: CircuitOptions) -> str:
    words = [
        options.solver,
        *(f"{name}={getattr(options, name)}" for name in ("itl1", "itl2", "itl4")),
        *(f"{name}={_number(getattr(options, name))}" for name in ("gmin", "reltol", "abstol", "vntol", "rshunt")),
        *(f"{name}={_number(getattr(options, name))}" for name in ("temp", "tnom")),
    ]
    return ".options " + " ".join(words)


def _outputs(topology: Topology, options: CircuitOptions, sources: Sources) -> Iterator[str]:
    for j, node in enumerate(topology.out_nodes):
        sink = sink_node(topology, j)
        yield f"RS{j + 1} {node} {sink} {_number(options.rs_free)}"
        yield f"VOUT{j} {sink} 0 dc {_number(sources.sink_V[j])}"
        if options.nudge_mode == "current":
            yield f"IOUT{j} 0 {node} dc 0"


def _own_models(card: ModelCard, deviations: Deviations | None) -> tuple[list[str], dict[int, str]]:
    """Lines of models for the transistors that deviate, and the name of each one's by edge; equal ones share one."""
    lines: list[str] = []
    names: dict[tuple[float, float], str] = {}
    own: dict[int, str] = {}
    if deviations is None:
        return lines, own
    pairs = zip(deviations.vto_offset_V.tolist(), deviations.kp_factor.tolist(), strict=True)
    for e, pair in enumerate(pairs):
        if pair == (0.0, 1.0):
            continue
        if pair not in names:
            names[pair] = f"OWN{len(names)}"
            lines.append(f".model {names[pair]} {card.kind} ({_values(own_values(card, *pair))})")
        own[e] = names[pair]
    return lines, own


def _edges(
    topology: Topology, card: ModelCard, options: CircuitOptions, sources: Sources, own: dict[int, str]
) -> Iterator[str]:
    instance = _values(card.instance)
    for e, (drain, source) in enumerate(zip(topology.edges_D, topology.edges_S, strict=True)):
        tie = {"source": source, "drain": drain, "ground": 0}.get(options.body_tie)  # None: floating
        body = f"b{e}" if tie is None or options.body_res > 0.0 else tie
        stands = {"drain": drain, "source": source, "body": body}.get(options.gate_ref, 0)
        yield f"VG{e} g{e} {stands} dc {_number(sources.gate_V[e])}"
        if tie is not None and options.body_res > 0.0:
            yield f"RB{e} b{e} {tie} {_number(options.body_res)}"
        ends = f"{drain} g{e} {source} {body}"
        yield f"M{e} {ends} {own[e]} {instance}" if e in own else f"X{e} {ends} {SUBCIRCUIT}"


def _values(values: Mapping[str, float]) -> str:
    return " ".join(f"{name}={_number(value)}" for name, value in values.items())


def _number(value: float) -> str:
    return repr(float(value))
