"""The options of damage in training: which transistors break, when, and how.

`analog_nmos.training.damage` breaks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.cli import option, refuse
from common.errors import InputError

OPEN, ON, FROZEN = KINDS = ("open", "on", "frozen")


@dataclass(frozen=True, kw_only=True)
class DamageOptions:
    """Damage: transistors that break while the network trains"""

    damage_share: float | None = option(
        None, "share of the transistors that are left, drawn at random, that break (0: none)", low=0.0, high=1.0
    )
    damage_epoch: int = option(
        0, "they break when this epoch has been trained and validated; 0: before training", low=0
    )
    damage_kind: str = option(
        "open",
        "open: conducts no longer, and is removed; on: its gate stays at the end of its range that opens it most; "
        "frozen: its gate stays where it is",
        choices=KINDS,
    )
    damage_seed: int = option(
        0, "seed of the draw; a larger share breaks the same transistors and more", low=0, high=2**32 - 1
    )
    damage_list: Path | None = option(
        None,
        "CSV file of the transistors that break, in place of --damage-share: columns edge (as in topology.npz), kind, "
        "and, where they differ, epoch",
    )

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        if self.damage_share is not None and self.damage_list is not None:
            raise InputError("--damage-share and --damage-list exclude each other: give one of them")
        for name in ("damage_epoch", "damage_kind", "damage_seed"):
            if self.damage_share is None and self.damage_list is None:
                refuse(self, name, "needs --damage-share or --damage-list")
        for name in ("damage_kind", "damage_seed"):
            if self.damage_list is not None:
                refuse(self, name, "goes with --damage-share; a list names transistors and kinds")
