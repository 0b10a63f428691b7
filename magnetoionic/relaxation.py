"""Field relaxation: after training the field changes, and every device takes the other curve at its pulse count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from magnetoionic.config import TrainConfig
from magnetoionic.curves import DOUBLE, AnyCurve, Curve, SingleField, span
from magnetoionic.network import Network

OTHER = {"double-linear": "double-exponential", "double-exponential": "double-linear", "measured": "double-linear"}
PUBLISHED_RATIO = span(DOUBLE["double-linear"]) / span(DOUBLE["double-exponential"])


@dataclass(frozen=True)
class Relaxation:
    """What devices become.

    Attributes:
        curve: the one tested.
        ratio: of the input scale in the test to that in training.
    """

    curve: Curve
    ratio: float


def relaxation(config: TrainConfig, curves: Sequence[AnyCurve]) -> Relaxation | None:
    """The relaxation after training in a configuration's last field; None for single devices: they have no other curve.

    The other curve is the other one of two fields, else exponential for linear and linear for the rest. The published
    ratio, 0.3953, is the same in both directions; a measured curve has no published one and takes the physical.
    """
    trained = curves[-1]
    if isinstance(trained, SingleField):
        return None
    tested = curves[0] if len(curves) == 2 else DOUBLE[OTHER[config.fields[-1]]]
    assert not isinstance(tested, SingleField)
    if config.relaxation_scale == "physical" or "measured" in config.fields:
        return Relaxation(tested, span(trained) / span(tested))
    return Relaxation(tested, PUBLISHED_RATIO)


def relaxed(model: Network, change: Relaxation) -> None:
    """Change a model for the test after relaxation; its images need the scaled currents as well."""
    for layer in model.layers:
        layer.devices.change_curve(change.curve)
    model.input_scale = np.float32(model.input_scale * change.ratio)
