"""--dry-run: how many operating points a training needs, and how long they take here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from analog_nmos.backends import make_backend
from analog_nmos.config import TrainerConfig
from analog_nmos.rule import Rule
from analog_nmos.trainer import load_card, load_lane

PROBES = 6


def describe(rule: Rule[Any], configs: Sequence[TrainerConfig]) -> str:
    """Solve a few operating points of the first configuration and say what the whole will take."""
    config, lane = configs[0], load_lane(configs[0])
    backend = make_backend(config.backend, [lane.topology], load_card(config), config)
    backend.set_gates(lane.gate_V[None])
    backend.solve_many(0, lane.data.train.x_V[:1])  # loading and compiling are paid once
    start = time.perf_counter()
    backend.solve_many(0, lane.data.train.x_V[:PROBES])
    solve_s = (time.perf_counter() - start) / min(PROBES, len(lane.data.train.y))
    backend.close()
    n_train, n_val = len(lane.data.train.y), len(lane.data.val.y)
    least = n_val + config.epochs * (n_train + n_val)
    most = least + config.epochs * n_train
    solver = f"backend {config.backend} {backend.version}"
    shape = f"{lane.topology.n_edges} edges, {n_train} training and {n_val} validation samples"
    return (
        f"{rule.prog}: {len(configs)} run(s) of {config.epochs} epochs, {shape}, {solver}\n"
        f"{len(configs) * least} to {len(configs) * most} operating points of {1e3 * solve_s:.3g} ms: "
        f"{_clock(len(configs) * least * solve_s)} to {_clock(len(configs) * most * solve_s)}; "
        f"about {_files_MiB(lane.topology.n_edges, n_val, config.epochs) * len(configs):.1f} MiB of files"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def _files_MiB(edges: int, samples: int, epochs: int) -> float:
    return float(np.ceil(8 * epochs * (edges + 10 * samples + 500) / 2**20 * 10) / 10)
