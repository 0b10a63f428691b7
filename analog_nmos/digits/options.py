"""The digits as published: the options of their data and network, in all trainers of digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from analog_nmos.data.split import Data
from analog_nmos.digits.data import load_digits
from analog_nmos.topology import Topology, shipped
from analog_nmos.training.config import VOLT, TrainerConfig
from common.cli import option

TOPOLOGY_HELP = "NPZ file of the network, or a shipped one: digits_8x8_dense_io_x1 (the default), digits_8x8_pruned"


@dataclass(frozen=True, kw_only=True)
class DigitsOptions(TrainerConfig):
    """The digits and their network"""

    network_name: ClassVar[str] = "digits_8x8_dense_io_x1"

    input_vmin: float = option(0.0, "input voltage of an empty pixel", **VOLT)
    input_vmax: float = option(1.0, "input voltage of a full pixel", **VOLT)
    topology: Path | None = option(None, TOPOLOGY_HELP)
    train_limit: int = option(0, "use only this many training samples; 0 for all", low=0)
    test_limit: int = option(0, "use only this many test samples; 0 for all", low=0)
    val_split: float = option(
        0.0, "share of the training set kept for validation; 0 validates on the test set", low=0.0, high=0.9
    )

    def load(self) -> Data:
        """See `TrainerConfig.load`."""
        return load_digits(
            self.seed,
            self.input_vmin,
            self.input_vmax,
            val_split=self.val_split,
            train_limit=self.train_limit,
            test_limit=self.test_limit,
        )

    def network(self, data: Data) -> Topology:
        """640 transistors: every pixel joined to every output."""
        return shipped()
