"""One transistor for the kernels: its equations, its numbers from a model card, and when a Newton step is trusted."""
