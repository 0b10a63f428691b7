"""One transistor for the kernels: its equations, numbers from a model card, when a Newton step is trusted; settings."""
