"""The commands beside training and sweeps; each has a thin file of its name in the package."""
