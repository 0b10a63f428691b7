"""The study's figures: the design space, six heat maps over it, and convergence."""
