"""What updates of a trained run's network cost: the phases of training samples, and writing the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends.base import Status
from analog_nmos.deployment.trained import Trained
from analog_nmos.objectives.base import Objective
from analog_nmos.training.copies import Copies
from analog_nmos.training.energy import sinks
from analog_nmos.training.epoch import Beat
from analog_nmos.training.replica import Replica
from common.errors import RunError

if TYPE_CHECKING:
    from analog_nmos.energy.options import CapacitanceOptions

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
ON = np.ones(1, bool)


class Updates(NamedTuple):
    """Of the N training samples whose operating points converged; all but `sample` have shape (N,) and are floats.

    Where a rule has two clamped phases, `clamped_s` is the time of both, and `clamped_W` their mean power over it. A
    sample that the objective skips, or a rule without clamped phases (adjoint), has NaN there.
    """

    sample: NDArray[np.int64]
    free_W: FloatArray
    free_s: FloatArray
    clamped_W: FloatArray
    clamped_s: FloatArray
    writing_J: FloatArray

    @property
    def energy_J(self) -> FloatArray:
        """All phases, each at its power until it has settled, and the gates."""
        return self.free_W * self.free_s + np.nan_to_num(self.clamped_W * self.clamped_s) + self.writing_J


class _Clamped(NamedTuple):
    node_V: FloatArray  # (nodes,)
    sink_V: FloatArray  # (outputs,) VOUT
    driven_A: FloatArray  # (outputs,) zeros unless outputs are nudged by currents
    held: BoolArray  # (outputs,) which are nudged


class _Sample(NamedTuple):
    number: int
    free_V: FloatArray
    sink_V: FloatArray  # VOUT in the free phase
    clamped: list[_Clamped]
    step_V: FloatArray  # (edges,) by which gates move, zeros where the objective skips the sample


def updates_of(
    trained: Trained, replica: Replica, copies: Copies, held: CapacitanceOptions, samples: int, beat: Beat
) -> Updates:
    """Of the first training samples, in their order, all with the same gates: what the run's own rule would do.

    Raises:
        RunError: no operating point converged, or a network does not settle.
    """
    from analog_nmos.energy.costs import Network
    from analog_nmos.energy.power import clamped_loads, free_loads

    found = _walk(trained.objective(), replica, copies, samples, beat)
    if not found:
        raise RunError("no operating point of the training samples converged")
    config, parts = replica.config, (trained.card, replica.topology, replica.config, held, replica.gate_V)
    first, second = (Network(*parts, own) for own in replica.deviations)
    second = second if config.has_two_circuits else first
    loads = free_loads(config, np.array([one.sink_V for one in found]))
    free = first.costs(np.array([one.free_V for one in found]), loads, everywhere=True)
    clamped_J, clamped_s = np.zeros(len(found)), np.zeros(len(found))
    for phase in range(max(len(one.clamped) for one in found)):
        at = [place for place, one in enumerate(found) if one.clamped]
        phases = [found[place].clamped[phase] for place in at]
        node_V, sink_V, driven_A, mask = (np.array(part) for part in zip(*phases, strict=True))
        own = second.costs(node_V, clamped_loads(config, sink_V, mask, driven_A), clamps=True, everywhere=True)
        clamped_J[at] += own.energy_J
        clamped_s[at] += own.settling_s
    writing_J = first.writing_J(np.array([one.step_V for one in found]))
    none = np.array([not one.clamped for one in found])
    clamped_W = np.divide(clamped_J, clamped_s, out=np.full(len(found), np.nan), where=clamped_s > 0.0)
    number = np.array([one.number for one in found])
    return Updates(number, free.power.total_W, free.settling_s, clamped_W, np.where(none, np.nan, clamped_s), writing_J)


def _walk(objective: Objective, replica: Replica, copies: Copies, samples: int, beat: Beat) -> list[_Sample]:
    """The phases of samples as `training.epoch` has them, without noise; gates stay. Failed ones are left out."""
    found, outputs = [], replica.topology.n_outputs
    copies.set_gates(replica.gate_V[None])
    for number, input_V in enumerate(replica.data.train.x_V[:samples]):
        beat()
        sink_V = sinks(copies.first, 0, outputs)
        free = copies.first.solve_free(input_V[None], ON)
        if free.status[0] != Status.CONVERGED:
            copies.first.reload(0)
            continue
        one = _update(objective, replica, copies, number, free.node_V.copy(), sink_V)
        if one is not None:
            found.append(one)
    return found


def _update(
    objective: Objective, replica: Replica, copies: Copies, number: int, free_V: FloatArray, sink_V: FloatArray
) -> _Sample | None:
    """One sample after its free phase (1, nodes); None where an operating point fails."""
    data, rule, none = replica.data, copies.rule, np.zeros(replica.gate_V.size)
    input_V, out_V = data.train.x_V[number : number + 1], free_V[:, replica.topology.out_nodes]
    score_V = data.readout.scores_V(out_V)
    evaluation = objective.evaluate(score_V, data.train.y[number : number + 1])
    if not evaluation.active[0]:
        return _Sample(number, free_V[0], sink_V, [], none)
    target_V, held = data.readout.clamps(out_V, score_V, evaluation.target_V, evaluation.clamped)
    clamped, response_A = [], None
    for nudge in rule.nudges:
        driven = rule.driven(out_V, target_V, nudge)
        phase = _clamped(copies, replica.topology.n_outputs, input_V, driven, held)
        if phase is None:
            return None
        clamped.append(phase)
    if rule.is_adjoint:
        found = copies.first.adjoint(input_V, np.where(held, rule.driven(out_V, target_V, 1.0), 0.0), ON)
        if found.status[0] != Status.CONVERGED:
            return None
        response_A = found.by_gate
    change_V2 = rule.change_V2(free_V, [one.node_V[None] for one in clamped], response_A, replica.gate_V[None])[0]
    fixed = replica.stuck | (~replica.periphery.at_clamped(held[0]) if replica.periphery.clamped_only else False)
    step_V = rule.advance(0, -replica.sign * replica.config.gamma * change_V2, ~fixed)
    moved_V = (replica.gate_V + step_V).clip(*replica.gate_range_V) - replica.gate_V
    return _Sample(number, free_V[0], sink_V, clamped, np.where(fixed, 0.0, moved_V))


def _clamped(copies: Copies, outputs: int, input_V: FloatArray, driven: FloatArray, held: BoolArray) -> _Clamped | None:
    """A clamped phase with voltages or currents (1, outputs); None where it fails."""
    solution = copies.second.solve_clamped(input_V, driven, held, ON)
    if solution.status[0] != Status.CONVERGED:
        copies.second.reload(0)
        return None
    node_V, sink_V = solution.node_V[0].copy(), sinks(copies.second, 0, outputs)
    if copies.rule.drives:
        return _Clamped(node_V, sink_V, np.where(held, driven, 0.0)[0], held[0].copy())
    # Outputs that are free in this phase still see what they were last clamped to.
    return _Clamped(node_V, np.where(held, driven, sink_V)[0], np.zeros(outputs), held[0].copy())
