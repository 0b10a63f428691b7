"""What learning rules cost: an epoch of XOR and of digits with one rule after the other, beside the published one.

    python -m benchmarks.rule_epoch [--epochs 200] [--rounds 5]

All rules take turns in one process, each from the same gates; CPU seconds of an epoch of training, the shortest round.
Digits train for a hundredth of the epochs.
"""

from __future__ import annotations

import argparse
from typing import Any

from analog_nmos.tasks import TASKS
from analog_nmos.training.opening import load_card, load_replica
from benchmarks.first_epochs import first_epochs_s

CURRENT: dict[str, Any] = {"phases": "centred", "nudge_mode": "current", "delta": 0.1}
RULES: dict[str, dict[str, Any]] = {
    "published": {},
    "centred": {"phases": "centred"},
    "by current, centred": CURRENT,
    "device-aware": {"quantity": "device-aware"},
    "vector-field": {"quantity": "vector-field"},
    "co-content": {"quantity": "co-content"},
    "terms": {"terms": "power=0.001 homeostasis=0.00001"},
    "adam": {"optimizer": "adam"},
    "adjoint": {"rule": "adjoint"},
}
TASK = {"xor": 1, "digits": 100}  # and by how much fewer epochs it has


def epoch_s(task: str, settings: dict[str, Any], epochs: int) -> float:
    """CPU seconds of an epoch, the mean of the first ones."""
    config = TASKS.get(task)(seed=3, **settings)
    return first_epochs_s(load_replica(config), load_card(config), epochs)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=200, help="of XOR, in each round (default: 200)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default: 5)")
    given = parser.parse_args()
    for task, fewer in TASK.items():
        epochs, found = max(1, given.epochs // fewer), {name: float("inf") for name in RULES}
        for settings in RULES.values():  # compiles
            epoch_s(task, settings, 1)
        for _ in range(given.rounds):
            for name, settings in RULES.items():
                found[name] = min(found[name], epoch_s(task, settings, epochs))
        print(task)
        for name, seconds in found.items():
            print(f"  {name:24}{1e3 * seconds:10.3f} ms{seconds / found['published']:8.2f}")


if __name__ == "__main__":
    main()
