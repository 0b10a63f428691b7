"""Trained gates on chips that they have not seen: what they reach there, and what training on the chip repairs."""

from analog_nmos.deployment.measure import Measured, Point, draw_seed, measure
from analog_nmos.deployment.trained import Gates, Trained, load_trained

__all__ = ["Gates", "Measured", "Point", "Trained", "draw_seed", "load_trained", "measure"]
