"""The one transistor of a card and its model, as far as they can be read; the rest is listed as problems."""

from __future__ import annotations

from dataclasses import dataclass, field

from analog_nmos.cards.numbers import assignments, stray_equals, words
from common.errors import InputError

SUBCIRCUIT = "NMOSWRAP"  # of a PMOS too
KINDS = ("nmos", "pmos")
# What the netlist sets anew after the card, and what has no meaning for an operating point.
_OVERRIDDEN = {"temp", "tnom", "gmin", "reltol", "abstol", "vntol", "rshunt", "itl1", "itl2", "itl4"}


@dataclass
class Reading:
    """Parameters by lower-case name, in SI units, what could not be read, first things first, and the model's type."""

    model: dict[str, float] = field(default_factory=dict)
    instance: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    kind: str = KINDS[0]


def read_transistor(lines: list[str]) -> Reading:
    """What a card's logical lines say of the transistor in .subckt NMOSWRAP.

    Raises:
        InputError: no such subcircuit, or not with four ports; without it there is no netlist.
    """
    reading = Reading()
    outside, wrapper = _split(lines, reading.problems)
    ports, inside = _ports(wrapper, reading.problems)
    everywhere = _parameters(outside, {}, reading.problems)
    _check_outside(outside, everywhere, reading.problems)
    stray = [line.split()[0] for line in outside + wrapper if stray_equals(line)]
    reading.problems += [f"a stray equals sign in {first}" for first in stray]
    known = everywhere | assignments(inside, everywhere, reading.problems, ".param")
    known |= _parameters(wrapper[1:], known, reading.problems)
    transistor = _transistor(wrapper[1:], ports, reading.problems)
    if transistor:
        reading.instance = assignments(transistor[6:], known, reading.problems, "M")
        name = transistor[5].lower()
        for place, values in ((wrapper[1:], known), (outside, everywhere)):
            model = _model(place, name, reading.problems)
            if model is not None:
                reading.kind = model[0].lower() if model[0].lower() in KINDS else reading.kind
                reading.model = assignments(model[1:], values, reading.problems)
                return reading
        reading.problems.append(f"a transistor without its .model {name}")
    return reading


def _split(lines: list[str], problems: list[str]) -> tuple[list[str], list[str]]:
    """Lines outside of all subcircuits, and those of the wrapper, its .subckt first and without .ends."""
    outside: list[str] = []
    wrapper: list[str] = []
    depth, within = 0, False
    for line in lines:
        first, *rest = line.lower().split()
        if first == ".subckt":
            depth += 1
            begins = depth == 1 and rest[:1] == [SUBCIRCUIT.lower()]
            if begins and wrapper:
                problems.append(f"a second .subckt {SUBCIRCUIT}")
            within |= begins and not wrapper
        if first == ".ends":
            depth -= 1
            within &= depth > 0
        elif depth == 0:
            outside.append(line)
        elif within:
            wrapper.append(line)
        if depth < 0:
            problems.append(".ends without .subckt")
            depth = 0
    if depth > 0:
        problems.append(".subckt without .ends")
    if not wrapper:
        raise InputError(f"no .subckt {SUBCIRCUIT} D G S B in it")
    return outside, wrapper


def _ports(wrapper: list[str], problems: list[str]) -> tuple[list[str], list[str]]:
    """The four ports in lower case, and the words of parameters after them."""
    line = wrapper[0].lower().replace("params:", " params: ")
    ports, _, parameters = line.partition("params:")
    names = ports.replace("=", " = ").split()[2:]
    if "=" in names:
        start = names.index("=") - 1
        names, parameters = names[:start], " ".join(names[start:]) + " " + parameters
    if len(names) != 4:
        raise InputError(f".subckt {SUBCIRCUIT} needs the four ports D G S B, not {' '.join(names)}")
    if len(set(names)) != 4 or "0" in names:
        problems.append(f"ports {' '.join(names)}")
    return names, words(parameters)


def _parameters(lines: list[str], known: dict[str, float], problems: list[str]) -> dict[str, float]:
    """Values of .param lines, each of which may use those before it; a name given twice gets no value."""
    found: dict[str, float] = {}
    for line in lines:
        if line.lower().split()[0] == ".param":
            pairs = words(line)[1:]
            new = assignments(pairs, known | found, problems, ".param")
            if 2 * line.count("=") != len(pairs):
                problems.append(".param without an equals sign")
            twice = new.keys() & (known.keys() | found.keys())
            problems += [f"a second .param {name}" for name in sorted(twice)]
            found = {name: value for name, value in (found | new).items() if name not in twice}
    return found


def _check_outside(lines: list[str], known: dict[str, float], problems: list[str]) -> None:
    for line in lines:
        first = line.split()[0].lower()
        if first in (".option", ".options"):
            given = assignments(words(line)[1:], known, problems)
            problems += [f".options {name}" for name in given if name not in _OVERRIDDEN]
        elif first not in (".model", ".param"):
            problems.append(line.split()[0] if first.startswith(".") else f"element {line.split()[0]}")


def _transistor(body: list[str], ports: list[str], problems: list[str]) -> list[str]:
    """The words of M1 D G S B model l=.. w=..; empty if there is none."""
    lines = [line for line in body if line.lower().split()[0] not in (".model", ".param")]
    others = [words(line) for line in lines]
    found = [one for one in others if one and one[0][0].lower() == "m" and len(one) > 5]
    problems += [f"{one[0]} in .subckt {SUBCIRCUIT}" for one in others if one and one not in found[:1]]
    if not found:
        problems.append(f".subckt {SUBCIRCUIT} without a transistor")
        return []
    signs = sum(line.count("=") for line in lines)
    if 2 * signs + 1 < len(found[0]) - 6:  # more than a flag has none, and ngspice can take it for a node
        problems.append(f"{found[0][0]} with parameters without equals signs")
    if [word.lower() for word in found[0][1:5]] != ports:
        problems.append(f"{' '.join(found[0][:5])} for the ports {' '.join(ports)}")
    return found[0]


def _model(lines: list[str], name: str, problems: list[str]) -> list[str] | None:
    """A model's type and the words of its parameters, none if two models have that name; None if no model has."""
    found = [words(line) for line in lines if line.lower().split()[0] == ".model"]
    found = [one for one in found if len(one) > 2 and one[1].lower() == name]
    if not found:
        return None
    if len(found) > 1:
        problems.append(f"a second .model {name}")
        return found[0][2:3]
    if found[0][2].lower() not in KINDS:
        problems.append(f"a model of type {found[0][2]}")
    return found[0][2:]
