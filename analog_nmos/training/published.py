"""Names and places under which scripts of the published programs look for things in a run's JSON files.

Our files hold these beside our own. Which of them a run has follows from its options: `margin` is a hinge trainer's,
`softmax_temp` the cross-entropy trainer's, `vg_cutoff_epochs` the pruning trainer's; the prototype trainer has none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.cards.model_card import SUBCIRCUIT, ModelCard, default_card_path
from analog_nmos.digits.data import N_PIXELS
from analog_nmos.objectives.prototype import ONE_HOT_V
from analog_nmos.training.config import GATE_HIGH_V, GATE_LOW_V, TrainerConfig
from analog_nmos.training.epoch import Training
from analog_nmos.training.replica import Replica

SATURATED_V = 1e-12  # a gate voltage this close to a limit is counted as there
PLAIN = (
    *("seed", "gamma", "margin", "softmax_temp", "delta", "epochs", "input_vmin", "input_vmax"),
    *("solver", "body_tie", "body_res", "rs_clamp"),
)
PROTOTYPE_EPOCHS = {
    "epoch0": "validation without training",
    "epoch1": "all outputs clamped to a one-hot target",
    "epoch2plus": "all outputs nudged towards the prototype of the class",
}


def run_facts(config: TrainerConfig, replica: Replica, card: ModelCard, job: str) -> dict[str, Any]:
    """For run_meta.json.

    Raises:
        InputError: the run prunes, and the card has no threshold voltage to prune against.
    """
    topology = replica.start
    facts = {
        "script": f"{job}.py",
        "argv": list(sys.argv),
        "dataset": "sklearn_digits",
        "input_shape": [int(np.sqrt(N_PIXELS))] * 2,
        "train_count": len(replica.data.train.y),
        "test_count": len(replica.data.test.y),
        **_settings(config),
        "rails": {"vminus": config.vminus, "vplus": config.vplus},
        "device": {"include_path": _card_path(config), "subckt": SUBCIRCUIT},
        "topology": {
            "path": str(config.topology or "digits_8x8_dense_io_x1"),
            "Nin": topology.n_inputs,
            "out": topology.n_outputs,
            "edges": topology.n_edges,
            "meta": topology.meta,
        },
        **_of_trainer(config, card),
    }
    if _has_prototypes(config):
        return {**facts, **PROTOTYPE_EPOCHS, "onehot_hi_v": ONE_HOT_V}
    saved = "test" if replica.data.validates_on_test else "val"
    return {**facts, "diagnostics": {"vout_saved": saved, "diode_source_to_vplus": False}}


def epoch_facts(replica: Replica, card: ModelCard) -> dict[str, Any]:
    """For 0_epoch_summary_epoch<n>.json: everything but what training and validation measured."""
    config = replica.config
    settings = {
        **_settings(config),
        "rails": [config.vminus, config.vplus],
        "device_include_path": _card_path(config),
        "device_subckt": SUBCIRCUIT,
        **_of_trainer(config, card),
    }
    mode = {"mode": "onehot" if replica.epoch < 2 else "proto"} if _has_prototypes(config) else {}
    return {"epoch": replica.epoch, **mode, "config": settings, "vg_stats": _gate_statistics(replica.gate_V)}


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


def sweep_settings(config: TrainerConfig) -> dict[str, Any]:
    """For run_spec.json and runspecs.jsonl of a sweep: flat, and nothing else, since readers unpack it into a class."""
    known = {field.name for field in fields(config)}
    names = ("seed", "epochs", "gamma", "delta", "margin", "softmax_temp", "body_tie")
    return {
        **{name: getattr(config, name) for name in names if name in known},
        "vg_init_mode": config.vg_init,
        "vg_fixed": config.vg_init_fixed,
        "vg_lo": config.vg_init_lo,
        "vg_hi": config.vg_init_hi,
        "solver": config.solver,
    }


def _settings(config: TrainerConfig) -> dict[str, Any]:
    known = {field.name for field in fields(config)}
    start = {"mode": config.vg_init, "lo": config.vg_init_lo, "hi": config.vg_init_hi, "fixed": config.vg_init_fixed}
    return {**{name: getattr(config, name) for name in PLAIN if name in known}, "vg_init": start}


def _of_trainer(config: Any, card: ModelCard) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if hasattr(config, "softmax_temp"):
        facts["loss"] = "cross_entropy"
    if hasattr(config, "vg_cutoff_epochs"):
        cutoff_V = config.vg_cutoff_ratio * card.vto_V
        facts |= {"model_vto": card.vto_V, "vg_cutoff": cutoff_V, "vg_cutoff_epochs": config.vg_cutoff_epochs}
    return facts


def _has_prototypes(config: Any) -> bool:
    return not hasattr(config, "margin") and not hasattr(config, "softmax_temp")


def _card_path(config: TrainerConfig) -> str:
    return str(config.model_card or default_card_path())


def _gate_statistics(gate_V: NDArray[np.float64]) -> dict[str, float]:
    return {
        "vg_unique_min": float(gate_V.min()),
        "vg_unique_max": float(gate_V.max()),
        "vg_unique_sat_lo": float((gate_V <= GATE_LOW_V + SATURATED_V).sum()),
        "vg_unique_sat_hi": float((gate_V >= GATE_HIGH_V - SATURATED_V).sum()),
    }
