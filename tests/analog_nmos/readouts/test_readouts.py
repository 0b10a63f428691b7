"""Scores of single outputs and of pairs, what they answer, and where nudged scores hold their outputs."""

import numpy as np
import pytest

from analog_nmos.readouts import TIE_V, Highest, NearestLevel, Readout, Value
from analog_nmos.readouts.answers import NO_CLASS

OUT_V = np.array([[0.3, 0.1, 0.2, 0.05], [0.0, 0.4, 0.1, 0.1]])


def test_single_outputs_are_their_scores_and_targets_to_the_bit():
    readout = Readout(Highest(4))
    assert (readout.n_scores, readout.n_nodes) == (4, 4)
    assert readout.scores_V(OUT_V) is OUT_V
    target_V, nudged = np.array([[0.1] * 4]), np.array([[True, False, False, True]])
    held_V, held = readout.clamps(OUT_V[:1], OUT_V[:1], target_V, nudged)
    assert held_V is target_V
    assert held is nudged


def test_pairs_move_apart_by_half_of_what_the_score_moves():
    readout = Readout(Highest(2), pairs=True)
    assert (readout.n_scores, readout.n_nodes) == (2, 4)
    score_V = readout.scores_V(OUT_V)
    assert np.allclose(score_V, [[0.1, 0.05], [-0.1, 0.3]])
    nudged = np.array([[True, False], [True, True]])
    target_V = score_V + np.array([[0.02, 0.5], [-0.04, 0.06]])
    held_V, held = readout.clamps(OUT_V, score_V, target_V, nudged)
    assert held.tolist() == [[True, False, True, False], [True] * 4]
    assert np.allclose((held_V - OUT_V)[held], [0.01, -0.01, -0.02, 0.03, 0.02, -0.03])
    assert np.allclose(readout.scores_V(held_V)[nudged], target_V[nudged])


def test_the_highest_score_wins_and_the_first_of_equal_ones():
    answer = Highest(3)
    scores_V = np.array([[0.1, 0.3, 0.2], [0.2, 0.2 + TIE_V / 2, 0.1], [0.2, 0.2 + 3 * TIE_V, 0.1]])
    assert answer.predict(scores_V).tolist() == [1, 0, 1]
    assert answer.aims_V(0.5).tolist() == [[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]


@pytest.mark.parametrize(("score_V", "level"), [(0.01, 0), (-0.02, 0), (-0.05, 1), (-0.3, 1), (-0.04, 0)])
def test_the_nearest_level_wins_and_the_first_of_equally_near_ones(score_V, level):
    answer = NearestLevel((0.0, -0.08))
    assert answer.predict(np.array([[score_V]])).tolist() == [level]
    assert answer.aims_V(7.0).tolist() == [[0.0], [-0.08]]
    assert answer.n_scores == 1


def test_values_are_no_class():
    answer = Value(("x", "y"))
    assert answer.predict(OUT_V[:, :2]).tolist() == [NO_CLASS] * 2
    assert (answer.n_scores, answer.classes, answer.aims_V(1.0).shape) == (2, False, (0, 2))
