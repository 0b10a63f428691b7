"""What at least two suites need: run folders, command lines, data, plots, seeds, devices."""
