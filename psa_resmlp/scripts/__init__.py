"""The commands other than training and sweeps; most have a thin file of the same name in the package."""
