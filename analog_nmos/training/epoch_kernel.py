"""The epoch of `analog_nmos.training.epoch`, compiled for one solver and one objective, and kept on disk for both.

The solver's functions and the objective's are compiled into it (`backends.base.CompiledSolver`,
`objectives.base.SampleKernel`); whose they are it does not know.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analog_nmos.backends.base import Status
from analog_nmos.chips.periphery_kernel import fill_moves, read, read_free, update, write
from analog_nmos.training.clock import seconds
from analog_nmos.training.fingerprint import fingerprint
from analog_nmos.training.rule_kernel import drive
from common.kernels.by_address import call
from common.kernels.cache import KernelCache
from common.kernels.jit import compiled, inlined

CONVERGED, NOT_FINITE = int(Status.CONVERGED), int(Status.NOT_FINITE)
SUITE = Path(__file__).parents[1]


class Samples(NamedTuple):
    """What one replica trains with."""

    x_V: Any  # (samples, inputs)
    goal: Any  # (samples,) classes or (samples, scores) values: what the objective takes
    label: Any  # (samples,) classes
    pairs: Any  # whether a score lies between two outputs
    n_nodes: Any
    gamma: Any  # learning rate in 1/V, below 0 for PMOS


class Circuit(NamedTuple):
    """What a phase is solved with: see `backends.base.CompiledSolver`."""

    memory: Any
    edges: Any
    solve: Any  # the address of its `free` or `clamped`
    adjoint: Any  # that of its `adjoint`


class Sums(NamedTuple):
    """Those of `epoch.Training`, each (L,), added to; and seconds of free phases, clamped phases and updates (3,).

    `out_V` (L, samples, outputs) has no samples where outputs are not kept.
    """

    correct: Any
    loss: Any
    evaluated: Any
    active: Any
    reload_free: Any
    reload_clamp: Any
    nonfinite_free: Any
    nonfinite_clamp: Any
    solves: Any
    out_V: Any
    seconds: Any


@compiled
def _scores(samples, out_V, score_V):
    """Fill in the scores of outputs; see `readouts.readout.Readout.scores_V`."""
    for k in range(score_V.size):
        score_V[k] = out_V[k] - out_V[k + score_V.size] if samples.pairs else out_V[k]


@compiled
def _clamp(out_V, score_V, target_V, nudged, node_target_V, held):
    """Fill in where both nodes of each pair are held; see `readouts.readout.Readout.clamps`."""
    for k in range(score_V.size):
        half_V = 0.5 * (target_V[k] - score_V[k])
        node_target_V[k] = out_V[k] + half_V
        node_target_V[k + score_V.size] = out_V[k + score_V.size] + -half_V
        held[k] = held[k + score_V.size] = nudged[k]


@compiled
def _count(status, replica, nonfinite, reloads):
    """A failed solve, by its kind."""
    if status == NOT_FINITE:
        nonfinite[replica] += 1
    else:
        reloads[replica] += 1


@functools.cache
def epoch_kernel(
    free: Callable[..., Any],
    clamped: Callable[..., Any],
    follow: Callable[..., Any],
    forget: Callable[..., Any],
    adjoint: Callable[..., Any],
    evaluate: Callable[..., Any],
    change: Callable[..., Any],
    add: Callable[..., Any],
    advance: Callable[..., Any],
) -> Callable[..., Any]:
    """A function that trains one replica on some samples: see `train_on` inside."""

    @inlined
    def nudge(first, second, replica, samples, n, rule, out_V, target_V, held, chip, driven, states, sums):
        """The clamped phases of a sample, or the adjoint in their place: the status.

        `states` (2, nodes) get what is read in them.
        """
        number = 0
        if rule.is_adjoint:
            drive(rule, 1.0, out_V, target_V, held, driven)
            sums.solves[replica] += 1
            return call(adjoint, first.adjoint, (first.memory, replica, samples.x_V[n], driven, rule.response_A))
        if chip.two_circuits:
            follow(second.memory, first.memory, replica)
        for strength in (rule.first_nudge, rule.second_nudge):
            if strength != 0.0:
                drive(rule, strength, out_V, target_V, held, driven)
                sums.solves[replica] += 1
                words = (second.memory, replica, samples.x_V[n], driven, held, states[number])
                status = call(clamped, second.solve, words)
                if status != CONVERGED:
                    return status
                read(chip, states[number], chip.clamped)
                number += 1
        return CONVERGED

    @inlined
    def asked_V2(first, replica, rule, gate_V, free_V, states):
        """Fill rule.step_V with what gates are to move by, over -gamma; see `rule.Rule.change_V2`."""
        change_V2 = rule.step_V
        if rule.is_adjoint:
            for e in range(change_V2.size):
                change_V2[e] = -rule.scale_V2 * rule.response_A[0, e]
        elif rule.second_nudge != 0.0:
            change(rule.quantity, replica, first.edges, gate_V, free_V, states[1], states[0], change_V2)
            for e in range(change_V2.size):
                change_V2[e] *= 0.5
        elif rule.first_nudge > 0.0:
            change(rule.quantity, replica, first.edges, gate_V, free_V, free_V, states[0], change_V2)
        else:
            change(rule.quantity, replica, first.edges, gate_V, free_V, states[0], free_V, change_V2)
        add(rule.terms, replica, first.edges, gate_V, free_V, change_V2)

    @compiled
    def train_on(first, second, replica, samples, order, own, chip, rule, sums):
        """Train a replica on the samples with the numbers `order`.

        Args:
            first, second: `Circuit`s of the free and of the clamped phase; of one solver unless chip.two_circuits.
            replica, samples, order: which one, its `Samples`, and which of them.
            own: its part of the objective.
            chip: its `periphery_kernel.Chip`.
            rule: its `rule_kernel.RuleArrays`.
            sums: added to.
        """
        n_outputs, is_written = chip.outputs.size, False
        n_scores = n_outputs // 2 if samples.pairs else n_outputs
        out_V, node_target_V, held = np.empty(n_outputs), np.empty(n_outputs), np.empty(n_outputs, np.bool_)
        score_V, target_V, nudged = out_V, node_target_V, held
        if samples.pairs:
            score_V, target_V, nudged = np.empty(n_scores), np.empty(n_scores), np.empty(n_scores, np.bool_)
        free_V, states, driven = np.empty(samples.n_nodes), np.empty((2, samples.n_nodes)), np.empty(n_outputs)
        for n in order:
            start = seconds()
            if chip.gate_noise_V > 0.0 or not is_written:
                write(chip, first.edges, second.edges, replica)
                is_written = True
            status = call(free, first.solve, (first.memory, replica, samples.x_V[n], free_V))
            sums.seconds[0] += seconds() - start
            sums.solves[replica] += 1
            if status != CONVERGED:
                _count(status, replica, sums.nonfinite_free, sums.reload_free)
                forget(first.memory, replica)
                continue
            read_free(chip, free_V, out_V)
            _scores(samples, out_V, score_V)
            if sums.out_V.shape[1]:
                sums.out_V[replica, n] = out_V
            target_V[:] = score_V
            nudged[:] = False
            loss, prediction, active = evaluate(score_V, samples.goal[n], own, target_V, nudged)
            sums.correct[replica] += prediction == samples.label[n]
            sums.evaluated[replica] += 1
            sums.loss[replica] += loss
            if not active:
                continue
            sums.active[replica] += 1
            if samples.pairs:
                _clamp(out_V, score_V, target_V, nudged, node_target_V, held)
            start = seconds()
            status = nudge(
                first, second, replica, samples, n, rule, out_V, node_target_V, held, chip, driven, states, sums
            )
            solved = seconds()
            sums.seconds[1] += solved - start
            if status != CONVERGED:
                _count(status, replica, sums.nonfinite_clamp, sums.reload_clamp)
                forget((first if rule.is_adjoint else second).memory, replica)
                continue
            asked_V2(first, replica, rule, chip.gate_V, free_V, states)
            for e in range(rule.step_V.size):
                rule.step_V[e] *= -samples.gamma
            fill_moves(chip, held, rule.moves)
            advance(rule.optimizer, rule.memory, rule.step_V, rule.moves)
            is_written = update(chip, first.edges, second.edges, replica, rule.step_V, rule.moves)
            sums.seconds[2] += seconds() - solved

    kernel: Any = train_on
    name = "-".join((__name__, fingerprint(free, clamped, follow, forget, adjoint, evaluate, change, add, advance)))
    kernel._cache = KernelCache(
        name,
        Path(__file__).parent,
        *(SUITE / folder for folder in ("backends", "chips", "objectives", "readouts", "rules")),
    )
    return train_on
