"""Chips: networks whose transistors differ from each other, drawn at random or measured, and their files."""

from analog_nmos.chips.chip import Chip
from analog_nmos.chips.draw import Mismatch, draw_chip
from analog_nmos.chips.reading import load_chip

__all__ = ["Chip", "Mismatch", "draw_chip", "load_chip"]
