"""Devices: curves under pulses, those of files included, and the fields that options name."""
