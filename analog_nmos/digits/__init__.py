"""The digits as input voltages, and what plain classifiers reach on them."""
