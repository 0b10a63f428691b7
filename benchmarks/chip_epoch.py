"""What chips cost: an epoch of digits in pairs with one switch after the other, beside ideal transistors.

    python -m benchmarks.chip_epoch [--epochs 5] [--rounds 3]

All ways take turns in one process, each from the same gates; CPU seconds of an epoch of training, the shortest round.
"""

from __future__ import annotations

import argparse
from typing import Any

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Mismatch, draw_chip
from analog_nmos.tasks.digits_pairs import DigitsPairs
from analog_nmos.training.replica import new_replica
from benchmarks.first_epochs import first_epochs_s

ONE = {"two_circuits": False, "update_edges": "all"}
WAYS: dict[str, dict[str, Any]] = {
    "one circuit": ONE,
    "two circuits": {},
    "a chip": {"chip": "drawn"},
    "a chip, one circuit": {"chip": "drawn", "one_circuit": True},
    "a chip, read noise": {"chip": "drawn", "read_noise": "0.5%"},
    "a chip, gate bits": {"chip": "drawn", "gate_bits": 8},
    "a chip, gate noise": {"chip": "drawn", "gate_noise": 0.01},
    "a chip, update bias and noise": {"chip": "drawn", "update_bias": 1e-4, "update_noise": 1e-4},
}


def epoch_s(settings: dict[str, Any], epochs: int) -> float:
    """CPU seconds of an epoch, the mean of the first ones."""
    config = DigitsPairs(**settings)
    data = config.load()
    network, card = config.network(data), read_model_card(default_card_path())
    chip = draw_chip(network, card, Mismatch(), 0) if config.chip else None
    return first_epochs_s(new_replica(config, data, network, chip), card, epochs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5, help="epochs of each way and round (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (default: 3)")
    given = parser.parse_args()
    for settings in WAYS.values():  # compiles
        epoch_s(settings, 1)
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(given.rounds):
        for name, settings in WAYS.items():
            found[name].append(epoch_s(settings, given.epochs))
    first = min(found["one circuit"])
    for name, seconds in found.items():
        print(f"{name:32}{1e3 * min(seconds):8.1f} ms{min(seconds) / first:8.2f}")


if __name__ == "__main__":
    main()
