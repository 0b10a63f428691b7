"""The native solver behind the interface of `backends.base`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numba
import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Backend, BoolArray, CompiledSolver, FloatArray, Sensitivity, Solution
from analog_nmos.backends.native.coupled.replicas import CoupledReplicas
from analog_nmos.backends.native.decoupled.replicas import DecoupledReplicas
from analog_nmos.backends.native.transistor import parameters
from analog_nmos.backends.native.transistor.accuracy import limits
from analog_nmos.backends.native.transistor.device import Device
from analog_nmos.backends.native.transistor.linked import Linked
from analog_nmos.backends.native.transistor.settings import Settings
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit import CircuitOptions
from analog_nmos.circuit.deviations import Deviations, fitting
from analog_nmos.topology import Topology
from common.errors import InputError
from common.kernels.cache import source_hash


class NativeBackend(Backend):
    """L replicas, one topology each, solved exactly: every output within `tolerance_V` of the netlist's solution.

    A replica's numbers depend on its own gates, inputs and `state` only, to the last bit: neither on the other
    replicas nor on their order. `solve_many` leaves the state alone. ngspice's tolerances and iteration limits
    in `options` have no meaning here.

    Args:
        topologies: the same numbers of inputs and outputs in all; edges may differ. Either in all replicas or in
            none every edge runs from an input to an output.
        card: level 1; a parameter that is not modelled is refused by name.
        options: rails, resistances, temperatures, gmin, rshunt.
        tolerance_V: bound on the error of a converged voltage; below 1e-7 as far as double precision goes (see
            `accuracy`). A voltage that cannot be found this accurately has another status than CONVERGED.
        max_passes: Newton passes, plain and damped, before source stepping; fewer than 31 switch both fallbacks off.
        deviations: as in `backends.base.Backend`.

    Raises:
        InputError: replicas that do not fit together, or a card that is not modelled or is no transistor at these
            temperatures.
    """

    takes_deviations = has_adjoint = True

    def __init__(
        self,
        topologies: Sequence[Topology],
        card: ModelCard,
        options: CircuitOptions,
        *,
        tolerance_V: float = 1e-7,
        max_passes: int = 150,
        deviations: Sequence[Deviations | None] | None = None,
    ) -> None:
        super().__init__(topologies, card, options)
        options.check()
        if not topologies:
            raise InputError("native needs at least one replica")
        sides = {(topology.n_inputs, topology.n_outputs) for topology in topologies}
        if len(sides) > 1:
            raise InputError(f"replicas must have the same (inputs, outputs), not {sorted(sides)}")
        if tolerance_V <= 0.0 or max_passes < 1:
            raise InputError("tolerance_V must be above 0 and max_passes at least 1")
        device = _device(card, options)
        settings = Settings(
            tolerance_V, max_passes, 1.0 / options.rs_free, 1.0 / options.clamp_ohm, options.vminus, options.vplus,
            float(options.nudge_mode == "current"),
        )  # fmt: skip
        alone = [_outputs_alone(topology) for topology in topologies]
        if any(alone) != all(alone):
            raise InputError(
                "networks with edges from inputs to outputs only cannot be mixed with others in one backend"
            )
        engine = DecoupledReplicas if all(alone) else CoupledReplicas
        self._engine: DecoupledReplicas | CoupledReplicas = engine(
            topologies, device, settings, fitting(deviations, topologies)
        )
        self.n_replicas = len(topologies)
        self._n_inputs, self._n_outputs = sides.pop()
        self._n_edges = max(topology.n_edges for topology in topologies)

    @property
    def version(self) -> str:
        """Of numba and of the kernels' sources, for run_meta.json."""
        return f"numba {numba.__version__}, kernels {source_hash(Path(__file__).parent)[:8]}"

    @property
    def passes(self) -> int:
        """Newton passes so far: over an output's edges, or over all of a replica with hidden nodes."""
        return int(self._engine.passes[0])

    def set_gates(self, gate_V: FloatArray) -> None:
        """Gate voltages for the next solves, shape (L, edges) in volts; replicas with fewer edges pad with anything."""
        gate_V = np.ascontiguousarray(gate_V, np.float64)
        if gate_V.ndim != 2 or gate_V.shape[0] != self.n_replicas or gate_V.shape[1] < self._n_edges:
            raise InputError(f"gate_V must have shape ({self.n_replicas}, {self._n_edges}), not {gate_V.shape}")
        self._engine.set_gates(gate_V)

    def solve_free(self, input_V: FloatArray, mask: BoolArray) -> Solution:
        """Operating points with all outputs free; input_V has shape (L, inputs), mask (L,) says which replicas."""
        input_V = self._checked("input_V", input_V, self._n_inputs)
        return self._engine.solve_free(input_V, np.ascontiguousarray(mask, np.bool_))

    def solve_clamped(self, input_V: FloatArray, target_V: FloatArray, clamped: BoolArray, mask: BoolArray) -> Solution:
        """Operating points with the outputs of mask `clamped` (L, outputs) nudged by target_V (L, outputs)."""
        input_V = self._checked("input_V", input_V, self._n_inputs)
        target_V = self._checked("target_V", target_V, self._n_outputs)
        clamped = np.ascontiguousarray(clamped, np.bool_)
        return self._engine.solve_clamped(input_V, target_V, clamped, np.ascontiguousarray(mask, np.bool_))

    def solve_many(self, replica: int, input_V: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
        """Free outputs (samples, outputs) in V and status (samples,) of one replica for inputs (samples, inputs)."""
        input_V = np.ascontiguousarray(input_V, np.float64)
        if input_V.ndim != 2 or input_V.shape[1] != self._n_inputs or not 0 <= replica < self.n_replicas:
            raise InputError(f"needs inputs of shape (samples, {self._n_inputs}) and a replica below {self.n_replicas}")
        return self._engine.solve_many(replica, input_V)

    def adjoint(self, input_V: FloatArray, cotangent_A: FloatArray, mask: BoolArray) -> Sensitivity:
        """What outputs weighted by cotangent_A (L, outputs) gain by each transistor's gate voltage, vto and kp."""
        input_V = self._checked("input_V", input_V, self._n_inputs)
        cotangent_A = self._checked("cotangent_A", cotangent_A, self._n_outputs)
        return self._engine.adjoint(input_V, cotangent_A, np.ascontiguousarray(mask, np.bool_))

    def compiled(self) -> CompiledSolver:
        """The solver for compiled epochs."""
        return self._engine.compiled()

    def follow(self, other: Self, replica: int) -> None:
        """The other's last free solution as first guess of the replica's next solve."""
        self._engine.follow(other._engine, replica)

    def reload(self, replica: int) -> None:
        """A cold start for the replica's next solve; gate voltages and VOUT stay."""
        self._engine.forget(replica)

    def state(self, replica: int) -> dict[str, NDArray[Any]]:
        """VOUT and the warm start of a replica: what later solves depend on besides gates and inputs."""
        return {name: array.copy() for name, array in self._engine.arrays(replica).items()}

    def restore(self, replica: int, state: dict[str, NDArray[Any]]) -> None:
        """Take over what `state` returned; `sink_V` alone gives a cold start (after pruning, where shapes differ).

        Raises:
            InputError: an array of another name or shape.
        """
        arrays = self._engine.arrays(replica)
        for name, values in state.items():
            if name not in arrays or np.shape(values) != arrays[name].shape:
                expected = ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
                raise InputError(f"state has {name} {np.shape(values)}; this replica takes {expected}")
        self._engine.forget(replica)
        for name, values in state.items():
            arrays[name][:] = values

    def close(self) -> None:
        """Nothing to free."""

    def _checked(self, name: str, values: FloatArray, columns: int) -> FloatArray:
        values = np.ascontiguousarray(values, np.float64)
        if values.shape != (self.n_replicas, columns):
            raise InputError(f"{name} must have shape ({self.n_replicas}, {columns}), not {values.shape}")
        return values


def _device(card: ModelCard, options: CircuitOptions) -> Device | Linked:
    """The card at the options' temperatures, checked to be finite."""
    try:
        device = parameters.device_parameters(card, options)
        if all(map(math.isfinite, (*device, *limits(device)))):
            return device
    except InputError:
        raise
    except (ArithmeticError, ValueError):  # the root or logarithm of a negative number, 1 / 0
        pass
    raise InputError(
        f"card {card.path} describes no transistor at --temp {options.temp:g} and --tnom {options.tnom:g}: its surface "
        "potential or its saturation current is out of range; choose temperatures nearer to 27 C"
    )


def _outputs_alone(topology: Topology) -> bool:
    """Whether every edge runs from an input to an output."""
    from_input = np.isin(topology.edges_D, topology.input_nodes).all()
    return bool(from_input and np.isin(topology.edges_S, topology.out_nodes).all())
