"""What a network of transistors costs: power of its states, time until they have settled, energy.

Reading order: power (what the sources deliver), options and capacitances (what holds charge), admittance (one
transistor at a frequency), settling (the linearised network in time), measure (an inference and an update of a run),
report and figures (for people).
"""
