"""The .model parameters of a transistor that deviates from a level-1 card: its own vto and kp, all else the card's."""

from __future__ import annotations

from analog_nmos.cards.model_card import ModelCard
from common.errors import InputError

# What ngspice's level 1 takes where the card says nothing (mos1set.c, mos1temp.c).
DEFAULT_KP, DEFAULT_MOBILITY = 2e-5, 600.0  # A/V^2, cm^2/(V s)
OXIDE_F_PER_M = 3.9 * 8.854214871e-12


def own_values(card: ModelCard, vto_offset_V: float, kp_factor: float) -> dict[str, float]:
    """The card's model parameters, with this offset on vto and this factor on kp.

    Raises:
        InputError: a card of another level, or one that cannot be read whole, or whose vto ngspice would derive.
    """
    level = card.model.get("level", 1.0)
    if card.unread or level != 1.0:
        what = card.unread or f"level {level:g}"
        raise InputError(
            f"model card {card.path}: with {what} its transistors cannot deviate from it; write level 1 plainly"
        )
    return card.model | {"vto": _threshold_V(card) + vto_offset_V, "kp": _transconductance(card.model) * kp_factor}


def _threshold_V(card: ModelCard) -> float:
    """As ngspice takes it: 0 V where the card gives none, and nothing to derive it from."""
    derived = card.model.get("tox", 0.0) != 0.0 and "nsub" in card.model
    return card.vto_V if derived else card.model.get("vto", 0.0)


def _transconductance(model: dict[str, float]) -> float:
    """In A/V^2, as ngspice takes it: from mobility and oxide thickness where the card gives no kp."""
    if "kp" in model or model.get("tox", 0.0) == 0.0:
        return model.get("kp", DEFAULT_KP)
    mobility = next((model[name] for name in reversed(model) if name in ("uo", "u0")), DEFAULT_MOBILITY)
    return mobility * 1e-4 * OXIDE_F_PER_M / model["tox"]
