"""The circuits of L replicas: one that is solved free and clamped in turn, or two copies with transistors of their own.

A third one, at another temperature, may stand in for the first one in validation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from analog_nmos.backends.base import Backend, CompiledSolver, FloatArray
from analog_nmos.backends.make import make_backend
from analog_nmos.cards.model_card import ModelCard
from analog_nmos.circuit.deviations import Deviations
from analog_nmos.rules.options import ADJOINT
from analog_nmos.training.config import TrainerConfig
from analog_nmos.training.replica import Replica, padded_gates
from analog_nmos.training.rule import Rule
from common.errors import InputError

if TYPE_CHECKING:
    from common.kernels.by_address import Address

SINKS = "sink_V"
SECOND = "second_"  # how names of the second circuit's arrays begin, in the state of both
State = dict[str, NDArray[Any]]


class Phase(NamedTuple):
    """The compiled solver of a phase, where its function for this phase lies, and that for adjoints of free phases."""

    solver: CompiledSolver
    address: Address
    adjoint: Callable[..., Any]
    adjoint_address: Address


class Copies:
    """The circuits of replicas that have the same kind of them.

    Attributes:
        first: solved free.
        second: solved clamped; the same object where there is one circuit.
        tested: solved in validation; the first one unless it has a temperature of its own.
        call_samples: how many samples the next call of a compiled epoch takes.
        rule: the learning rule of the replicas.

    Args:
        card: of all transistors; None where no part of the rule asks what they know of themselves.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        first: Backend,
        second: Backend | None = None,
        tested: Backend | None = None,
        card: ModelCard | None = None,
    ) -> None:
        self.rule = Rule(replicas, card)
        self._replicas, self.call_samples = replicas, 1
        self._compiled: tuple[Phase, Phase] | None = None
        self.first, self.second, self.tested = first, second or first, tested or first

    @classmethod
    def of(cls, replicas: Sequence[Replica], card: ModelCard) -> Copies:
        """Those that the replicas' configurations ask for, without any state of earlier solves.

        Raises:
            InputError: see `make_backend`.
        """
        config, topologies = replicas[0].config, [replica.topology for replica in replicas]
        free, clamp = zip(*(replica.deviations for replica in replicas), strict=True)

        def make(options: TrainerConfig, deviations: Sequence[Deviations | None]) -> Backend:
            return make_backend(config.backend, topologies, card, options, deviations)

        first = make(config, free)
        if config.rule == ADJOINT and not first.has_adjoint:
            raise InputError(f"--rule adjoint needs --backend native; {config.backend} has no adjoint")
        second = make(config, clamp) if config.has_two_circuits else None
        return cls(replicas, first, second, make(config.test_options, free) if config.test_options else None, card)

    @property
    def n_replicas(self) -> int:
        """How many replicas they are the circuits of."""
        return len(self._replicas)

    @property
    def are_two(self) -> bool:
        """Whether the clamped phase has a circuit of its own."""
        return self.second is not self.first

    def compiled(self) -> tuple[Phase, Phase] | None:
        """The solvers of both phases for compiled epochs; None where there is none, see `Backend.compiled`."""
        if self._compiled is None:
            first = self.first.compiled()
            second = self.second.compiled() if self.are_two else first
            if first is not None and second is not None:
                adjoint = self.rule.adjoint(first)
                where = first.adjoint_address(adjoint)
                self._compiled = (
                    Phase(first, first.addresses()[0], adjoint, where),
                    Phase(second, second.addresses()[1], adjoint, where),
                )
        return self._compiled

    def set_gates(self, gate_V: FloatArray) -> None:
        """Gate voltages (L, edges) of both circuits."""
        self.first.set_gates(gate_V)
        if self.are_two:
            self.second.set_gates(gate_V)

    def test(self, row: int, written_V: FloatArray) -> Backend:
        """The circuit that validates a replica, with gate voltages (edges,)."""
        gate_V = padded_gates(self._replicas)
        gate_V[row, : written_V.size] = written_V
        if self.tested is not self.first:  # the same circuit, only warmer or colder: what its outputs hang on is kept
            kept = {name: array for name, array in self.first.state(row).items() if name == SINKS}
            self.tested.restore(row, kept)
        self.tested.set_gates(gate_V)
        return self.tested

    def state(self, row: int) -> State:
        """The state of one replica's circuits; see `Backend.state`."""
        state = self.first.state(row)
        if self.are_two:
            state |= {SECOND + name: array for name, array in self.second.state(row).items()}
        return state

    def restore(self, row: int, state: State) -> None:
        """Take over what `state` returned; see `Backend.restore`."""
        self.first.restore(row, {name: array for name, array in state.items() if not name.startswith(SECOND)})
        if self.are_two:
            names = [name for name in state if name.startswith(SECOND)]
            self.second.restore(row, {name.removeprefix(SECOND): state[name] for name in names})

    def close(self) -> None:
        """Free the solvers."""
        for backend in {id(one): one for one in (self.first, self.second, self.tested)}.values():
            backend.close()
