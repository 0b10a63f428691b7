"""Options that all trainers share, and which of them networks that train together must share.

A trainer knows neither its data nor its network: its configuration loads both.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends import BACKENDS
from analog_nmos.chips.options import ChipOptions
from analog_nmos.chips.periphery import Reads, own_reads
from analog_nmos.circuit import LARGEST_V, CircuitOptions
from analog_nmos.data.split import Data
from analog_nmos.energy.options import EnergyOptions
from analog_nmos.rules.options import RuleOptions
from analog_nmos.topology import Topology
from analog_nmos.training.damage_options import DamageOptions
from common.cli import option
from common.errors import InputError
from common.experiment import plots_option

VOLT: dict[str, Any] = {"unit": "V", "low": -LARGEST_V, "high": LARGEST_V}
GATE_LOW_V, GATE_HIGH_V = 0.4, 8.0  # updates are clipped to this range, those of a PMOS to -8 to -0.4 V


@dataclass(frozen=True, kw_only=True)
class TrainerConfig(EnergyOptions, DamageOptions, RuleOptions, ChipOptions, CircuitOptions):
    """Training, network and data"""

    job: ClassVar[str]  # the trainer's name in run folders and run_meta.json
    script: ClassVar[str] = ""  # the file of the trainer, where it is not called as the job
    ties_by_loss: ClassVar[bool] = False  # whether of the epochs with the best accuracy the smallest loss selects one
    network_name: ClassVar[str] = ""  # what run_meta.json calls the network without --topology
    prunes: ClassVar[bool] = False  # whether edges are removed while it trains
    inputs_beyond_rails: ClassVar[bool] = False  # whether they are meant to be
    keeps_outputs: ClassVar[bool] = False  # whether the free outputs that training sees are written

    seed: int = option(
        0,
        "seed of the split, the initial gate voltages and the order of samples",
        positional=True,
        low=0,
        high=2**32 - 1,
    )
    epochs: int = option(20, "epochs of training", low=1, grows=True)
    snapshot_every: int | None = option(
        None,
        "epochs from one snapshot to the next: only these, the first and the last write files of their own, and one of "
        "them is selected (default: 1 up to 200 epochs, else the power of two that gives 100 to 200 snapshots)",
        low=1,
    )
    gamma: float = option(0.3, "learning rate", unit="1/V", above=0.0, high=1e6)
    input_vmin: float = option(0.0, "input voltage of a feature's smallest value", **VOLT)
    input_vmax: float = option(1.0, "input voltage of a feature's largest value", **VOLT)
    vg_init: str = option("random", "initial gate voltages", choices=("random", "fixed"))
    vg_init_lo: float = option(1.0, "lower end of random gate voltages", **VOLT)
    vg_init_hi: float = option(3.0, "upper end of random gate voltages", **VOLT)
    vg_init_fixed: float = option(2.0, "fixed gate voltage", **VOLT)
    topology: Path | None = option(None, "NPZ file of the network (default: that of the task)")
    model_card: Path | None = option(None, "SPICE model card with .subckt NMOSWRAP (default: the shipped ALD1106)")
    final_test: bool = option(
        False, "evaluate the test set once more at the end, for the last and the selected epoch", local=True
    )
    max_failures: float = option(
        0.05, "stop when more than this share of an epoch's solves fails; 1 never stops", low=0.0, high=1.0, local=True
    )
    backend: str = option("ngspice", "circuit solver", choices=BACKENDS)
    plots: bool = plots_option()
    plot_format: str = option("png", "format of the plots", choices=("png", "pdf", "svg"), local=True)
    quiet: bool = option(False, "print nothing but errors", local=True)

    @property
    def trains(self) -> str:
        """The name of its objective; see `analog_nmos.objectives`."""
        raise NotImplementedError

    def load(self) -> Data:
        """The samples.

        Raises:
            InputError: they are missing or damaged, or cannot be split as configured.
        """
        raise NotImplementedError

    def network(self, data: Data) -> Topology:
        """The network without --topology."""
        raise NotImplementedError

    def initial_gates(self, rng: np.random.RandomState, edges: int) -> NDArray[np.float64]:
        """Gate voltages (edges,) in volts before training: the first random draw of a run, as published."""
        if self.vg_init == "random":
            return rng.uniform(self.vg_init_lo, self.vg_init_hi, edges)
        return np.full(edges, self.vg_init_fixed)

    def epoch_order(self, rng: np.random.RandomState, epoch: int, samples: int) -> NDArray[np.int64]:
        """The order of samples (samples,) in an epoch, counted from 1: the only draw of an epoch, as published."""
        order = np.arange(samples)
        rng.shuffle(order)
        return order

    @property
    def full_scale_V(self) -> float:
        """The largest input voltage: what percentages of noise refer to."""
        return max(abs(self.input_vmin), abs(self.input_vmax))

    @property
    def test_options(self) -> Self | None:
        """The circuit in validation; None where it is as in training."""
        return None if self.test_temp in (None, self.temp) else replace(self, temp=self.test_temp)

    def reads(self) -> Reads:
        """Where the noise of readings comes from, and which nodes are read."""
        return own_reads(self.noise_seed)

    def facts(self, data: Data) -> dict[str, Any]:
        """More for run_meta.json."""
        return {}

    @classmethod
    def shared(cls) -> list[str]:
        """Those of its options that networks must share to train together."""
        known = {field.name for field in fields(cls)}
        return [name for name in SHARED if name in known]

    def check(self) -> None:
        """Raise InputError where options contradict each other."""
        CircuitOptions.check(self)
        ChipOptions.check(self)
        RuleOptions.check(self)
        DamageOptions.check(self)
        EnergyOptions.check(self)
        if self.input_vmax <= self.input_vmin:
            raise InputError(f"--input-vmax {self.input_vmax:g} must lie above --input-vmin {self.input_vmin:g}")
        if self.vg_init_lo >= self.vg_init_hi:
            raise InputError(f"--vg-init-lo {self.vg_init_lo:g} must lie below --vg-init-hi {self.vg_init_hi:g}")


# Networks that train together have the same circuit and the same numbers of epochs and samples. Not every
# configuration has all of these.
SHARED = (
    *("epochs", "topology", "model_card", "backend", "train_limit", "test_limit", "val_split"),
    *(field.name for field in fields(CircuitOptions)),
    "test_temp",
)
# What the options of networks that train together must come to: the objective, and whether there are two circuits.
ALIKE = {
    "trains": "objective",
    "rule_parts": "the parts of their learning rule (--rule, --phases, --quantity, names of --terms, --optimizer)",
    "has_two_circuits": "the number of circuits (--one-circuit, --two-circuits, --chip)",
}
