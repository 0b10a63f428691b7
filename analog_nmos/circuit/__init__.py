"""The circuit around the transistors: its options, and its netlist."""

from analog_nmos.circuit.options import BODY_TIES, GATE_REFS, LARGEST_V, NUDGE_MODES, CircuitOptions

__all__ = ["BODY_TIES", "GATE_REFS", "LARGEST_V", "NUDGE_MODES", "CircuitOptions"]
