"""The native transistor solver: ngspice's equations, compiled, without ngspice.

Reading order: `transistor`, one edge (device: its equations; parameters: its numbers from a model card; edge: its
internal nodes eliminated; accuracy: when a Newton step may be trusted); then `decoupled`, networks from inputs to
outputs (newton, layout, phases, adjoint, replicas), and `coupled`, all others (fronts, wiring, memory, factor, edges,
newton, phases, transposed, adjoint, replicas); backend (the interface). Vectors of eight doubles and numba's
decorators are those of common.kernels.
"""

from analog_nmos.backends.native.backend import NativeBackend

__all__ = ["NativeBackend"]
