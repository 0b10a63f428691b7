"""Newton's method for a coupled network, with its fallbacks: damped steps, then source stepping.

A pass over the edges (`edges`) gives the equations that are left over and their matrix. On large networks the last
factors serve again while steps are small (chord steps): such a step leaves a share of the error, but costs a
substitution where factors cost many. A solve ends when the curvature of the equations promises an error below the
tolerance, or when a further step confirms it: the full equations at the solution then ask for a step below the
tolerance, and chord steps have shrunk to it by CHORD_GAIN or more each, so that less than a third of it is left.
What rounding can do is judged by the sum of absolute currents at each node.
"""

# mypy: allow-untyped-defs

from __future__ import annotations

import math

from analog_nmos.backends.native.coupled import stars
from analog_nmos.backends.native.coupled.edges import edge_pass, sum_bounds
from analog_nmos.backends.native.coupled.factor import factor, substitute
from analog_nmos.backends.native.decoupled.newton import (
    CONVERGED,
    DAMPED,
    FIRST_PASSES,
    FREE_V,
    LARGEST_LAST_V,
    NO_CONVERGENCE,
    NOT_FINITE,
    SINGULAR,
)
from analog_nmos.backends.native.transistor import kinds
from analog_nmos.backends.native.transistor.accuracy import (
    EPSILON,
    ROUNDING_V,
    SPANS,
    WIDER_V,
    expect,
    is_certain,
    rounding_A,
)
from common.kernels.jit import leaf, lean

BEYOND_V = 0.1  # by which first steps may leave the span of the sources
CHORD_V = 0.02  # largest step after which the same factors may serve again
LEAST_BEND = 10.0  # 1/V, a promise below the tolerance is looked for up to this tolerance over a step squared
CHORD_GAIN = 0.25  # by which a chord step must be smaller than the step before
# How a solve begins: from a guess; from the solve before, of the same inputs and gates; or likewise, with no other aim
# than to leave the factors at the solution in memory, in this many passes or fewer.
ANEW, GOES_ON, SETTLES = 0, 1, 2
SETTLING_PASSES = 4


@lean
def reply(w, memory, x):
    """Replace currents x (F,) by the voltages that they cause in the network as it was factored."""
    stars.forward(w, memory.data, x, memory.entries)
    substitute(w.fronts, memory.matrix, memory.inverse, x, memory.part)
    stars.backward(w, memory.data, memory.inverse, x)


@leaf
def _factor(w, memory):
    if not stars.eliminate(w, memory.data, memory.load_S, memory.inverse, memory.entries):
        return False
    return factor(w.fronts, 0, memory.matrix, memory.data, memory.load_S, memory.inverse, memory.panel)


@leaf
def _largest(x):
    """Largest absolute value; NaN if one is not finite."""
    found = 0.0
    for i in range(x.size):
        if not math.isfinite(x[i]):
            return math.nan
        found = max(found, abs(x[i]))
    return found


@leaf
def _rounding(memory, accuracy):
    """Replace `flow` by the currents that rounding leaves where they should be 0."""
    for i in range(memory.flow.size):
        memory.flow[i] = EPSILON * memory.flow[i] + rounding_A(accuracy, memory.n_edges[i], memory.node_V[i])


@lean
def _promise(w, memory, size_V, tolerance_V, accuracy):
    """Whether errors of all kinds together stay below the tolerance, and the status otherwise, after a Newton step.

    Returns (status, error that `bend` promises, how closely a further step is to confirm the solution). By then
    memory.node_V has moved. All currents and entries of the inverse are positive, so that replies may be added.
    """
    sum_bounds(w, memory)
    _rounding(memory, accuracy)
    n, spare, curvature = memory.flow.size, memory.spare, accuracy.curvature * size_V * size_V
    for i in range(n):
        spare[i] = curvature * memory.bend[i] + memory.flow[i] + accuracy.jump_A * memory.n_edges[i]
    reply(w, memory, spare)
    if _largest(spare) <= min(tolerance_V, ROUNDING_V) and size_V < accuracy.step_V:
        return CONVERGED, 0.0, 0.0
    reply(w, memory, memory.bend)
    error_V = _largest(memory.bend) * size_V * size_V
    if not error_V <= tolerance_V:
        return NO_CONVERGENCE, error_V, 0.0
    reply(w, memory, memory.flow)
    rounding_V = _largest(memory.flow)
    if not rounding_V <= ROUNDING_V:
        return SINGULAR, error_V, 0.0
    for i in range(n):
        spare[i] = accuracy.jump_A * memory.n_edges[i]
    reply(w, memory, spare)
    certain = is_certain(accuracy, size_V, error_V, _largest(spare), tolerance_V)
    return CONVERGED if certain else NO_CONVERGENCE, error_V, max(tolerance_V, 2.0 * rounding_V)


@lean
def _rounding_status(w, memory, accuracy):
    """SINGULAR where rounding alone may move a node by more than ROUNDING_V."""
    sum_bounds(w, memory)
    _rounding(memory, accuracy)
    reply(w, memory, memory.flow)
    return CONVERGED if _largest(memory.flow) <= ROUNDING_V else SINGULAR


@leaf
def _move(w, memory, limit_V, low_V, high_V):
    for i in range(w.free.size):
        before_V = memory.node_V[i]
        moved_V = max(min(memory.step[i], limit_V), -limit_V)
        memory.node_V[i] = max(min(before_V + moved_V, high_V), low_V)
        memory.moved_V[i] = memory.node_V[i] - before_V


@leaf
def _imbalance(memory, sign):
    """`step` gets, or after other loads have been set gets on top, the currents that loads bring; times `sign`."""
    for i in range(memory.step.size):
        before_A = 0.0 if sign < 0.0 else memory.step[i]
        memory.step[i] = before_A + sign * (memory.source_A[i] - memory.load_S[i] * memory.node_V[i])


@leaf
def _foresee(w, memory, limit_V, low_V, high_V):
    """From a solution to where its factors put it with other loads of its outputs; infinite if they do not, or how far.

    Before the loads were set, `step` got what they brought (`_imbalance`).
    """
    last, fronts = w.fronts.parent.size - 1, w.fronts
    if not factor(fronts, last, memory.matrix, memory.data, memory.load_S, memory.inverse, memory.panel):
        return math.inf
    _imbalance(memory, 1.0)
    reply(w, memory, memory.step)
    size_V = _largest(memory.step)
    if not size_V < math.inf:
        return math.inf
    for i in range(w.free.size):
        memory.spare[i] = memory.moved_V[i]  # internal nodes have yet to follow the last step
    _move(w, memory, limit_V, low_V, high_V)
    for i in range(w.free.size):
        memory.moved_V[i] += memory.spare[i]
    return size_V


@lean
def newton(m, w, memory, tolerance_V, accuracy, chords, limit_V, low_V, high_V, passes, guess, knee_V, begins):
    """Newton from the voltages in memory.node_V: (status, passes). No free node is taken out of [low_V, high_V].

    If it GOES_ON from the solve before, whose factors serve again where only loads of outputs have changed. If it
    SETTLES, no step is taken where it is below the tolerance (or, by rounding, does not fall below ROUNDING_V).
    """
    doubt_V, before_V, reach_V = 0.0, math.inf, math.inf
    if begins == GOES_ON:
        before_V = _foresee(w, memory, limit_V, low_V, high_V)
        reach_V = memory.reach_V[0] + before_V
    memory.reach_V[0] = math.inf
    chord = chords and before_V < CHORD_V
    for passed in range(passes):
        size_V = edge_pass(m, w, memory, limit_V, guess and passed == 0, not chord, knee_V)
        if not chord:
            if not _factor(w, memory):
                return SINGULAR, passed + 1
            reach_V = 0.0
        reply(w, memory, memory.step)
        moved_V = _largest(memory.step)
        if not moved_V < math.inf:
            return NOT_FINITE, passed + 1
        size_V, last = max(size_V, moved_V), passed == passes - 1
        if begins == SETTLES and (size_V <= tolerance_V or (last and size_V <= ROUNDING_V)):
            return CONVERGED, passed + 1
        _move(w, memory, limit_V, low_V, high_V)
        if chord:
            if size_V <= tolerance_V and size_V <= CHORD_GAIN * before_V < math.inf:
                memory.reach_V[0] = reach_V + moved_V
                return _rounding_status(w, memory, accuracy), passed + 1
        elif (
            begins != SETTLES
            and size_V < LARGEST_LAST_V
            and (doubt_V > 0.0 or size_V * size_V < LEAST_BEND * tolerance_V)
        ):
            status, error_V, next_V = _promise(w, memory, size_V, tolerance_V, accuracy)
            if status == NO_CONVERGENCE and moved_V + accuracy.curvature * error_V <= doubt_V:
                status = CONVERGED
            doubt_V = max(doubt_V, next_V)
            if status != NO_CONVERGENCE:
                memory.reach_V[0] = reach_V + moved_V
                return status, passed + 1
        reach_V += min(moved_V, limit_V)
        chord = chords and size_V < CHORD_V and (not chord or size_V < CHORD_GAIN * before_V)
        before_V = size_V
    return NO_CONVERGENCE, passes


@leaf
def _drive(w, memory, settings, m, input_V, clamped, scale):
    """Set sources and loads, the sources times `scale` (and mirrored where the device is)."""
    n_free, scale = w.free.size, kinds.sign(m) * scale
    memory.node_V[n_free] = scale * settings.vminus_V
    memory.node_V[n_free + 1] = scale * settings.vplus_V
    for i in range(input_V.size):
        memory.node_V[n_free + 2 + i] = scale * input_V[i]
    for i in range(n_free):
        memory.load_S[i] = m.shunt_S
        memory.source_A[i] = 0.0
    for k in range(w.outputs.size):
        series_S = settings.clamp_S if clamped[k] else settings.free_S
        memory.load_S[w.outputs[k]] += series_S
        memory.source_A[w.outputs[k]] = scale * (series_S * memory.sink_V[k] + memory.drive_A[k])


@lean
def span(m, memory, settings, input_V):
    """Lowest and highest voltage of all sources but the gates, lowest and highest gate; NaN if one is not finite.

    Driven currents count for this last only: what they do to the span, `solve` sees when it has found the nodes.
    """
    low, high, check = min(settings.vminus_V, 0.0), max(settings.vplus_V, 0.0), 0.0
    for x in (input_V, memory.sink_V):
        for i in range(x.size):
            low, high, check = min(low, x[i]), max(high, x[i]), check + 0.0 * x[i]
    for k in range(memory.drive_A.size):
        check += 0.0 * memory.drive_A[k]
    gate = lowest = memory.gate_V[0]
    for j in range(memory.gate_V.size):
        gate, check = max(gate, memory.gate_V[j]), check + 0.0 * memory.gate_V[j]
        lowest = min(lowest, memory.gate_V[j])
    if kinds.sign(m) < 0.0:
        low, high, lowest, gate = -high, -low, -gate, -lowest
    return low + check, high, lowest, gate


@lean
def _source_stepping(m, w, memory, settings, accuracy, knee_V, damped_V, input_V, clamped, passes):
    """Raise all sources but the gates from 0 V, where everything is 0 V, as fast as damped Newton follows."""
    n_free, n = w.free.size, w.drain.size
    memory.work[:] = 0.0
    memory.moved_V[:] = 0.0
    memory.saved[:] = 0.0  # free nodes, then internal ones
    reached, step = 0.0, 0.25
    while reached < 1.0:
        scale = min(reached + step, 1.0)
        _drive(w, memory, settings, m, input_V, clamped, scale)
        for i in range(n_free):
            memory.node_V[i] = memory.saved[i]
        status, passed = newton(
            kinds.eased(m, scale), w, memory, settings.tolerance_V, accuracy, False, damped_V, -math.inf, math.inf,
            max(40, -settings.passes), False, knee_V, ANEW,
        )  # fmt: skip
        passes += passed
        if status == CONVERGED:
            for i in range(n_free):
                memory.saved[i] = memory.node_V[i]
            for j in range(3 * n):
                memory.saved[n_free + j] = memory.work[j]
            reached, step = scale, 2.0 * step
        else:
            step *= 0.25
            if step < 1e-5:
                return status, passes
            for j in range(3 * n):
                memory.work[j] = memory.saved[n_free + j]
        for j in range(3 * n, 12 * n):
            memory.work[j] = 0.0
        memory.moved_V[:] = 0.0
    memory.reach_V[0] = math.inf
    return CONVERGED, passes


@leaf
def _is_driven(memory):
    driven = False
    for k in range(memory.drive_A.size):
        driven |= memory.drive_A[k] != 0.0
    return driven


@leaf
def _reached(w, memory, low_V, high_V):
    """The span with all free nodes in it, and WIDER_V around those that were outside."""
    for i in range(w.free.size):
        node_V = memory.node_V[i]
        if node_V < low_V or node_V > high_V:
            low_V, high_V = min(low_V, node_V - WIDER_V), max(high_V, node_V + WIDER_V)
    return low_V, high_V


@lean
def solve(m, limits, w, memory, settings, chords, start_V, input_V, clamped, begins):
    """An operating point in memory.node_V: (status, passes); start_V (F,) in the state's order.

    `chords` says whether factors cost enough to be used again. If it GOES_ON, it first goes on from the solve before,
    which had the same inputs and gates; if it SETTLES, it does nothing else, of nearly the same gates.

    Driven currents may take nodes out of the span of the sources, for which the accuracy was promised: then the network
    is solved again, from where they were found, with the promise for a span that holds them.
    """
    low_V, high_V, lowest_V, gate_V = span(m, memory, settings, input_V)
    if not math.isfinite(low_V + high_V + gate_V):
        memory.reach_V[0] = math.inf
        return NOT_FINITE, 0
    damped_V, driven = DAMPED * max(high_V - low_V, 1.0), _is_driven(memory)
    low_V, high_V, gate_V = kinds.reach(low_V, high_V, lowest_V, gate_V, m)
    # Currents flow from high to low: no node lies outside its sources' span, but for what junctions leak.
    beyond_V, passes = math.inf if driven else BEYOND_V, 0
    for _ in range(SPANS):
        accuracy = expect(limits, low_V, high_V, gate_V, m)
        status, passed = _solve_within(
            m, limits, w, memory, settings, chords, start_V, input_V, clamped, begins, low_V - beyond_V,
            high_V + beyond_V, accuracy, damped_V,
        )  # fmt: skip
        passes += passed
        if status != CONVERGED or not driven:
            return status, passes
        lower_V, higher_V = _reached(w, memory, low_V, high_V)
        if lower_V == low_V and higher_V == high_V:
            return status, passes
        low_V, high_V, begins = lower_V, higher_V, GOES_ON if memory.reach_V[0] < math.inf else ANEW
    return NO_CONVERGENCE, passes


@leaf
def _solve_within(
    m, limits, w, memory, settings, chords, start_V, input_V, clamped, begins, low_V, high_V, accuracy, damped_V
):
    """As `solve`, with first steps that leave all nodes in [low_V, high_V], to this accuracy."""
    n_free, tolerance_V = w.free.size, settings.tolerance_V
    if begins == GOES_ON:
        _imbalance(memory, -1.0)
    _drive(w, memory, settings, m, input_V, clamped, 1.0)
    passes, limit, no_guess, sign = 0, settings.passes, False, kinds.sign(m)
    first_knee_V = limits.knee_V if kinds.always_cut(m) else math.inf
    if begins == SETTLES:
        return newton(
            m, w, memory, tolerance_V, accuracy, False, FREE_V, -math.inf, math.inf, SETTLING_PASSES, no_guess,
            math.inf, begins,
        )  # fmt: skip
    if begins == GOES_ON:
        status, passes = newton(
            m, w, memory, tolerance_V, accuracy, chords, FREE_V, low_V, high_V, min(FIRST_PASSES, limit), no_guess,
            first_knee_V, begins,
        )  # fmt: skip
        if status == CONVERGED or 0 < limit <= passes:
            return status, passes
    for damped in range(2):
        for i in range(n_free):
            memory.node_V[i] = sign * start_V[w.state[i]]
        memory.moved_V[:] = 0.0
        status, passed = newton(
            m, w, memory, tolerance_V, accuracy, chords and damped == 0, damped_V if damped else FREE_V,
            -math.inf if damped else low_V, math.inf if damped else high_V,
            limit - passes if damped else min(FIRST_PASSES, limit - passes), True,
            limits.knee_V if damped else first_knee_V, ANEW,
        )  # fmt: skip
        passes += passed
        # A current may drive a node hundreds of volts away, out of reach of damped steps: then sources are raised.
        spent = 0 < limit <= passes and not (damped and low_V == -math.inf)
        if status == CONVERGED or spent:
            return status, passes
    return _source_stepping(m, w, memory, settings, accuracy, limits.knee_V, damped_V, input_V, clamped, passes)
