"""The keys that scripts of the published programs read in a run's JSON files, beside our own.

Which of them a run has depends on its options, its objective, and whether it prunes.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from analog_nmos.cards.model_card import SUBCIRCUIT, ModelCard, default_card_path
from analog_nmos.objectives.base import Objective
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.epoch import Training
from analog_nmos.training.pruning import cutoff
from analog_nmos.training.replica import Replica

SATURATED_V = 1e-12  # a gate voltage this close to a limit counts as being at the limit
PLAIN = (
    *("seed", "gamma", "margin", "softmax_temp", "delta", "epochs", "input_vmin", "input_vmax"),
    *("solver", "body_tie", "body_res", "rs_clamp"),
)


def run_facts(replica: Replica, kind: type[Objective], card: ModelCard) -> dict[str, Any]:
    """For run_meta.json.

    Raises:
        InputError: the run prunes, and the card has no threshold voltage to prune against.
    """
    config, topology = replica.config, replica.start
    return {
        "script": f"{config.script or config.job}.py",
        "argv": list(sys.argv),
        "dataset": replica.data.name,
        "input_shape": list(replica.data.input_shape),
        "train_count": len(replica.data.train.y),
        "test_count": len(replica.data.test.y),
        **_settings(config),
        "rails": {"vminus": config.vminus, "vplus": config.vplus},
        "device": {"include_path": _card_path(config), "subckt": SUBCIRCUIT},
        "topology": {
            "path": str(config.topology or config.network_name),
            "Nin": topology.n_inputs,
            "out": topology.n_outputs,
            "edges": topology.n_edges,
            "meta": topology.meta,
        },
        **_of_trainer(config, kind, card),
        **kind.run_facts("test" if replica.data.validates_on_test else "val"),
    }


def epoch_facts(replica: Replica, kind: type[Objective], card: ModelCard) -> dict[str, Any]:
    """For 0_epoch_summary_epoch<n>.json: everything but what training and validation measured."""
    config = replica.config
    settings = {
        **_settings(config),
        "rails": [config.vminus, config.vplus],
        "device_include_path": _card_path(config),
        "device_subckt": SUBCIRCUIT,
        **_of_trainer(config, kind, card),
    }
    own = kind.summary_facts(replica.epoch)
    return {"epoch": replica.epoch, **own, "config": settings, "vg_stats": _gate_statistics(replica)}


def training_counts(sums: Training, row: int) -> dict[str, float]:
    """Solved free and clamped operating points of one replica's epoch, and how many samples trained or were skipped."""
    free, active = int(sums.evaluated[row]), int(sums.active[row])
    return {
        "n_free": free,
        "n_clamp": active - int(sums.reload_clamp[row]) - int(sums.nonfinite_clamp[row]),
        "hinge_active": active,
        "hinge_active_frac": active / max(free, 1),
        "skipped": free - active,
    }


def seconds(epoch_s: Mapping[str, float]) -> dict[str, float]:
    """Seconds of an epoch from our histories epoch_total_s, epoch_free_s, epoch_clamp_s and epoch_update_s."""
    parts = {f"train_{name}": epoch_s[f"epoch_{name}_s"] for name in ("free", "clamp", "update")}
    return {"epoch_total": epoch_s["epoch_total_s"], **parts}


def _settings(config: TrainerConfig) -> dict[str, Any]:
    known = {field.name for field in fields(config)}
    start = {"mode": config.vg_init, "lo": config.vg_init_lo, "hi": config.vg_init_hi, "fixed": config.vg_init_fixed}
    return {**{name: getattr(config, name) for name in PLAIN if name in known}, "vg_init": start}


def _of_trainer(config: TrainerConfig, kind: type[Objective], card: ModelCard) -> dict[str, Any]:
    return {**kind.published, **({"model_vto": card.vto_V, **cutoff(config, card)} if config.prunes else {})}


def _card_path(config: TrainerConfig) -> str:
    return str(config.model_card or _shipped_card())


@functools.cache  # finding a file of a package takes as long as writing one
def _shipped_card() -> str:
    return str(default_card_path())


def _gate_statistics(replica: Replica) -> dict[str, float]:
    gate_V, (low_V, high_V) = replica.gate_V, replica.gate_range_V
    return {
        "vg_unique_min": float(gate_V.min()),
        "vg_unique_max": float(gate_V.max()),
        "vg_unique_sat_lo": float((gate_V <= low_V + SATURATED_V).sum()),
        "vg_unique_sat_hi": float((gate_V >= high_V - SATURATED_V).sum()),
    }
