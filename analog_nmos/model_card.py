"""Read a SPICE model card: the `.model` line and the one transistor inside the wrapper subcircuit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from common.errors import InputError

SUBCIRCUIT = "NMOSWRAP"
TERMINALS = ("d", "g", "s", "b")
_SCALE = {"t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_SCALE |= {"f": 1e-15, "a": 1e-18}
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)", re.IGNORECASE)


@dataclass(frozen=True)
class ModelCard:
    """One transistor as the card describes it; names in lower case, values in SI units.

    Attributes:
        path: the file.
        model: parameters of the `.model ... nmos` line, e.g. vto (V), kp (A/V^2), lambda (1/V), rsh (ohm/square).
        instance: parameters of the transistor in `.subckt NMOSWRAP D G S B`, e.g. l (m), w (m), nrd (squares).
    """

    path: Path
    model: dict[str, float]
    instance: dict[str, float]

    @property
    def vto_V(self) -> float:
        """Zero-bias threshold voltage."""
        return self.model.get("vto", 0.0)


def default_card_path() -> Path:
    """The ALD1106 card that ships with the package."""
    return Path(str(resources.files("device_models") / "nmos_lvl1_ald1106.lib"))


def read_model_card(path: str | Path) -> ModelCard:
    """Parse a card with a `.subckt NMOSWRAP D G S B` that holds one NMOS transistor.

    Raises:
        InputError: no such file, no such subcircuit, not exactly one transistor in it, or a number that is none.
    """
    path = Path(path)
    try:
        lines = _logical_lines(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as problem:
        raise InputError(f"model card {path}: cannot be read ({problem.strerror})") from None
    try:
        transistor = _transistor(lines)
        return ModelCard(path, _model(lines, transistor[5].lower()), _assignments(transistor[6:]))
    except InputError as problem:
        raise InputError(f"model card {path}: {problem}") from None


def _logical_lines(text: str) -> list[str]:
    """Lines without comments, continuation lines (+) joined to the one before."""
    lines: list[str] = []
    for raw in text.splitlines():
        line = re.split(r"[;$]", raw, maxsplit=1)[0].strip()
        if line.startswith("+") and lines:
            lines[-1] += " " + line[1:]
        elif line and not line.startswith("*"):
            lines.append(line)
    return lines


def _transistor(lines: list[str]) -> list[str]:
    """The words of the transistor line inside the wrapper: M1 D G S B model l=.. w=.."""
    start = [i for i, line in enumerate(lines) if line.lower().split()[:2] == [".subckt", SUBCIRCUIT.lower()]]
    if not start:
        raise InputError(f"no .subckt {SUBCIRCUIT} D G S B in it")
    ports = lines[start[0]].lower().split()[2:]
    if len(ports) != len(TERMINALS):
        raise InputError(f".subckt {SUBCIRCUIT} needs the four ports D G S B, not {' '.join(ports)}")
    body: list[str] = []
    for line in lines[start[0] + 1 :]:
        if line.lower().startswith(".ends"):
            break
        body.append(line)
    words = [_words(line) for line in body]
    if len(words) != 1 or not words[0][0].lower().startswith("m") or [w.lower() for w in words[0][1:5]] != ports:
        raise InputError(f".subckt {SUBCIRCUIT} must hold one transistor M<name> {' '.join(ports)} <model>, alone")
    return words[0]


def _model(lines: list[str], name: str) -> dict[str, float]:
    for line in lines:
        words = _words(line)
        if [w.lower() for w in words[:2]] == [".model", name]:
            if words[2].lower() != "nmos":
                raise InputError(f"model {name} is of type {words[2]}; needs nmos")
            return _assignments(words[3:])
    raise InputError(f"no .model {name} nmos in it")


def _words(line: str) -> list[str]:
    return re.sub(r"\s*=\s*", "=", re.sub(r"[(),]", " ", line)).split()


def _assignments(words: list[str]) -> dict[str, float]:
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        match = _NUMBER.fullmatch(value)
        if not equals or not match:
            raise InputError(f"{word!r} is not name=number")
        unit = match[2].lower()
        scale = next((_SCALE[key] for key in ("meg", "mil") if unit.startswith(key)), _SCALE.get(unit[:1], 1.0))
        values[name.lower()] = float(match[1]) * scale
    return values
