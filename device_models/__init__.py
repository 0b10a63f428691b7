"""SPICE model cards, as package data."""
