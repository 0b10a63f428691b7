"""The native transistor solver: ngspice's equations, compiled, without ngspice.

Reading order: device (one transistor), parameters (its numbers from a model card), edge (its internal nodes
eliminated), accuracy (when a Newton step may be trusted), kernel (Newton for one output without free neighbours),
layout and replicas (where edges lie in memory, and the compiled entry points), decoupled (Python calls to these); for
networks whose free nodes are joined, wiring, hidden, coupled_replica and coupled instead; backend (the interface).
Most of them use simd (eight doubles at once) and jit (numba's decorators as used here).
"""

from analog_nmos.backends.native.backend import NativeBackend

__all__ = ["NativeBackend"]
