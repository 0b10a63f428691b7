"""CPU seconds of a replica's first epochs of training, for benchmarks that compare settings of trainings."""

from __future__ import annotations

import time

import numpy as np

from analog_nmos.cards.model_card import ModelCard
from analog_nmos.objectives.settings import hyperparameters, objective_class
from analog_nmos.training.compiled import train_replicas
from analog_nmos.training.copies import Copies
from analog_nmos.training.replica import Replica


def first_epochs_s(replica: Replica, card: ModelCard, epochs: int) -> float:
    """Seconds of an epoch, the mean of the first ones, without building the circuit."""
    kind = objective_class(replica.config.trains)
    objective = kind.of([hyperparameters(kind, replica.config)], replica.data.readout)
    copies = Copies.of([replica], card)
    start = time.process_time()
    for epoch in range(1, epochs + 1):
        replica.epoch = epoch
        train_replicas([replica], np.ones(1, bool), copies, objective, lambda samples: None)
    return (time.process_time() - start) / epochs
