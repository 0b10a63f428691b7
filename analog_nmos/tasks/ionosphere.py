"""Radar returns from the ionosphere: good ones (g) show structure, bad ones (b) pass through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from analog_nmos.chips.periphery import Reads, recorded
from analog_nmos.data.split import Data, Split
from analog_nmos.tasks.base import Task, preset
from analog_nmos.topology import Topology
from analog_nmos.training.config import VOLT
from common.cli import option
from common.datasets import data_root
from common.errors import InputError
from common.inputs import read_text
from common.stratified import stratified_split

FILE, SHAPE, CLASSES = "ionosphere/ionosphere.data", (351, 34), ("b", "g")
TEST_SHARE = 0.2
HIDDEN = 5
READ_SEED = 424_242


@dataclass(frozen=True, kw_only=True)
class Ionosphere(Task):
    """good and bad radar returns by 34 numbers and five hidden nodes (351 returns, from <data root>/ionosphere)"""

    word: ClassVar[str] = "ionosphere"
    network_name: ClassVar[str] = "ionosphere"

    full_scale: float = option(0.8, "input voltage of a feature of 1; features lie between -1 and 1", **VOLT)
    val_split: float = option(
        0.0, "share of the training set kept for validation; 0 validates on the test set", low=0.0, high=0.9
    )
    gamma: float = preset(Task, "gamma", 4.0)
    delta: float = preset(Task, "delta", 0.01)
    margin: float = preset(Task, "margin", 0.01)
    epochs: int = preset(Task, "epochs", 50)
    body_tie: str = preset(Task, "body_tie", "floating")
    gate_ref: str = preset(Task, "gate_ref", "drain")
    rs_clamp: float = preset(Task, "rs_clamp", 0.01)
    vg_init: str = preset(Task, "vg_init", "fixed")
    data_root: Path | None = option(None, "folder of the data sets (default: $NONIDEAL_DATA, else ./data)", local=True)

    @property
    def full_scale_V(self) -> float:
        """See `TrainerConfig.full_scale_V`."""
        return self.full_scale

    def reads(self) -> Reads:
        """As recorded: one stream; a free phase reads the outputs, and then all nodes."""
        generator = recorded(READ_SEED, self.noise_seed)
        return Reads(generator, generator, generator, outputs_first=True)

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        super().check()
        for name in ("input_vmin", "input_vmax"):
            self.refuse(name, "is no option of ionosphere; --full-scale is the voltage of a feature of 1")

    def load(self) -> Data:
        """80 percent of the returns for training, stratified by class; the rest tests, and validates as published."""
        x, y = self._rows()
        first, second = stratified_split(y, TEST_SHARE, self.seed)
        test = Split(self.full_scale * x[second], y[second])
        train, val = first, test
        if self.val_split:
            kept, held_out = stratified_split(y[first], self.val_split, self.seed)
            train, val = first[kept], Split(self.full_scale * x[first[held_out]], y[first[held_out]])
        return Data(Split(self.full_scale * x[train], y[train]), val, test, CLASSES, self.name())

    def network(self, data: Data) -> Topology:
        """The published 147 transistors.

        Each input leads to both outputs and to two of the hidden nodes, each hidden node to both outputs, and the
        first output to the second; the drain lies at the end that is named first.
        """
        outputs, inputs, hidden = np.split(np.arange(3, 3 + 2 + SHAPE[1] + HIDDEN), [2, 2 + SHAPE[1]])
        edges = [(i, o) for i in inputs for o in outputs]
        edges += [(node, hidden[(2 * i + k) % HIDDEN]) for i, node in enumerate(inputs) for k in (0, 1)]
        edges += [(h, o) for h in hidden for o in outputs]
        drain, source = np.array([*edges, (outputs[0], outputs[1])]).T
        return Topology(1, 2, inputs, outputs, drain, source, hidden, {"kind": self.name()})

    def _rows(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Features (351, 34) from -1 to 1 and classes (351,) in file order."""
        path = data_root(self.data_root) / FILE
        if not path.exists():
            raise InputError(
                f"ionosphere {path}: no such file; it is ionosphere.data of the UCI repository, data set 52"
            )
        rows = [line.split(",") for line in read_text(path, "ionosphere").split()]
        damaged = InputError(f"ionosphere {path}: is damaged, not {SHAPE[0]} rows of {SHAPE[1]} numbers and b or g")
        if {len(row) for row in rows} != {SHAPE[1] + 1} or len(rows) != SHAPE[0]:
            raise damaged
        try:
            x = np.array([row[:-1] for row in rows], np.float64)
            y = np.array([CLASSES.index(row[-1]) for row in rows])
        except ValueError:
            raise damaged from None
        if not np.isfinite(x).all():
            raise damaged
        return x, y
