"""Figures of a run, from its folder alone."""
