"""Field relaxation: after training the field changes, and every device takes the other curve at its pulse count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from magnetoionic.config import TrainConfig
from magnetoionic.devices.curves import AnyCurve, Curve, SingleCurve, span
from magnetoionic.devices.fields import EXPONENTIAL, LINEAR, find_field
from magnetoionic.network import Network

PUBLISHED_RATIO = span(LINEAR) / span(EXPONENTIAL)


@dataclass(frozen=True)
class Relaxation:
    """The change of devices and inputs at field relaxation.

    Attributes:
        curve: the curve of the devices in the test.
        ratio: input scale in the test divided by that in training.
    """

    curve: Curve
    ratio: float


def relaxation(config: TrainConfig, curves: Sequence[AnyCurve]) -> Relaxation | None:
    """The relaxation after training in a configuration's last field; None for single devices: they have no other curve.

    With two fields the other curve is that of the first, else that of `Field.relaxes_to`. The published ratio, 0.3953,
    is the same in both directions; fields that were not published use the physical one.
    """
    trained, records = curves[-1], config.records
    if isinstance(trained, SingleCurve):
        return None
    tested = curves[0] if len(curves) == 2 else find_field(records[-1].relaxes_to).curve
    assert tested is not None
    assert not isinstance(tested, SingleCurve)
    if config.relaxation_scale == "physical" or not all(field.published for field in records):
        return Relaxation(tested, span(trained) / span(tested))
    return Relaxation(tested, PUBLISHED_RATIO)


def relaxed(model: Network, change: Relaxation) -> None:
    """Change a model for the test after relaxation; its images need the scaled currents as well."""
    for layer in model.layers:
        layer.devices.change_curve(change.curve)
    model.input_scale = np.float32(model.input_scale * change.ratio)
