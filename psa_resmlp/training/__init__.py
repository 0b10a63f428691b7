"""Training: the meta-loop, checkpoints, and what a start goes on from."""
