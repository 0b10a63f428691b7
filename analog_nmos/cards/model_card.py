"""Read a SPICE model card: its text, and the one transistor inside its wrapper subcircuit, as far as it can be read.

ngspice gets the text and reads everything itself. What is refused here is refused for both solvers: what versions of
ngspice read differently, or what gives no operating point in any. What only native cannot read is named in `unread`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from analog_nmos.cards.numbers import check_suffixes
from analog_nmos.cards.reading import SUBCIRCUIT, Reading, read_transistor
from analog_nmos.cards.text import card_text, logical_lines
from common.errors import InputError

__all__ = ["SUBCIRCUIT", "ModelCard", "default_card_path", "read_model_card"]
_CLASSIC = (1.0, 2.0, 3.0, 6.0)  # levels that share rsh and nrd
_LEVEL_1 = {
    "level", "vto", "vt0", "kp", "gamma", "phi", "lambda", "rd", "rs", "cbd", "cbs", "is", "pb", "cgso", "cgdo", "cgbo",
    "rsh", "cj", "mj", "cjsw", "mjsw", "js", "tox", "ld", "u0", "uo", "fc", "nsub", "tpg", "nss", "tnom", "kf", "af",
    "l", "w",
}  # fmt: skip


@dataclass(frozen=True)
class ModelCard:
    """One transistor as the card describes it; names in lower case, values in SI units.

    Attributes:
        path: the file.
        model: parameters of the `.model` line, e.g. vto (V), kp (A/V^2), lambda (1/V), rsh (ohm/square).
        instance: parameters of the transistor in `.subckt NMOSWRAP D G S B`, e.g. l (m), w (m), nrd (squares).
        text: all of the card, with included files in it, for a netlist.
        unread: the first thing in the card that is not in `model` and `instance`; empty if all is.
        kind: type of its `.model` line, nmos or pmos. The subcircuit's name is the same for both.
    """

    path: Path
    model: dict[str, float]
    instance: dict[str, float]
    text: str = ""
    unread: str = ""
    kind: str = "nmos"

    @property
    def sign(self) -> float:
        """1 for an NMOS; -1 for a PMOS, whose voltages and currents are those of an NMOS with the other sign."""
        return -1.0 if self.kind == "pmos" else 1.0

    @property
    def vto_V(self) -> float:
        """Zero-bias threshold voltage; below 0 for a PMOS that is off at 0 V.

        Raises:
            InputError: the card does not give it as a number; a simulator then derives it, or takes 0 V.
        """
        if "vto" not in self.model:
            raise InputError(f"model card {self.path}: gives no threshold voltage; add vto=... to its .model line")
        return self.model["vto"]


def default_card_path() -> Path:
    """The ALD1106 card that ships with the package."""
    return Path(str(resources.files("device_models") / "nmos_lvl1_ald1106.lib"))


def read_model_card(path: str | Path) -> ModelCard:
    """Read a card with a `.subckt NMOSWRAP D G S B`.

    Raises:
        InputError: no such file, no text, no such subcircuit, or what versions of ngspice read differently.
    """
    path = Path(path)
    try:
        text = card_text(path)
        lines = logical_lines(text)
        check_suffixes(lines)
        reading = read_transistor(lines)
        _check(reading)
    except InputError as problem:
        where = f"model card {path}: "
        raise InputError(f"{where}{str(problem).removeprefix(where)}") from None
    return ModelCard(path, reading.model, reading.instance, text, next(iter(reading.problems), ""), reading.kind)


def _check(reading: Reading) -> None:
    """Give vto one name, and refuse what ngspice ignores or cannot solve."""
    model = reading.model
    level = model.get("level", 1.0)
    unknown = next((name for name in model if level == 1.0 and name not in _LEVEL_1), None)
    if unknown is not None:
        advice = "the threshold voltage is vto" if unknown == "vth0" else "remove it"
        raise InputError(f"level 1 has no parameter {unknown}, which ngspice 39 ignores and 45 refuses; {advice}")
    if "vt0" in model:
        if "vto" in model:
            raise InputError("gives both vto and vt0, which are one parameter; remove one")
        model["vto"] = model.pop("vt0")
    if level in _CLASSIC and model.get("rsh", 0.0) > 0.0 and reading.instance.get("nrd") == 0.0 and "rd" not in model:
        raise InputError("nrd=0 with rsh has no operating point in ngspice, which divides by it; write nrd=0.001")
