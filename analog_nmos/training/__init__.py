"""Training: networks, their epochs, and what these leave in run folders."""
