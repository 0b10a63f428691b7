"""Samples as input voltages with their labels, whatever they are of, and what plain classifiers reach on them."""
