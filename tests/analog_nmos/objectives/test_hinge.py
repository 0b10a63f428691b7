"""The hinge objective against its definition, sample by sample."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analog_nmos.objectives.hinge import Hinge

VOLT = st.floats(-1, 1, allow_subnormal=False)


def by_definition(out_V, label, margin_V, delta_V):
    """As the specification words it, in plain Python; of outputs within 1 nV of the highest, the first."""
    others = [k for k in range(len(out_V)) if k != label]
    rival = next(k for k in others if out_V[k] >= max(out_V[other] for other in others) - 1e-9)
    loss = max(0.0, margin_V - (out_V[label] - out_V[rival]))
    clamp = {label: out_V[label] + delta_V / 2, rival: out_V[rival] - delta_V / 2} if loss > 0 else {}
    return loss, clamp, next(k for k in range(len(out_V)) if out_V[k] >= max(out_V) - 1e-9)


@given(st.lists(VOLT, min_size=2, max_size=10), st.data(), st.floats(0, 0.5), st.floats(1e-3, 0.5))
def test_against_the_definition(out_V, data, margin_V, delta_V):
    label = data.draw(st.integers(0, len(out_V) - 1))
    view = Hinge(np.array([margin_V]), np.array([delta_V])).evaluate(np.array([out_V]), np.array([label]))
    loss, clamp, prediction = by_definition(out_V, label, margin_V, delta_V)
    assert view.loss[0] == loss
    assert view.prediction[0] == prediction
    assert view.active[0] == bool(clamp)
    if clamp:
        assert {k: view.target_V[0, k] for k in np.flatnonzero(view.clamped[0])} == clamp


def test_replicas_have_their_own_margin_and_delta():
    out_V = np.array([[0.30, 0.29], [0.30, 0.29]])
    both = Hinge(np.array([0.005, 0.02]), np.array([0.1, 0.4]))
    view = both.evaluate(out_V, np.array([0, 0]))
    assert view.active.tolist() == [False, True]
    assert np.allclose(view.target_V[1], [0.5, 0.09])
    one = both.replica(1).evaluate(out_V, np.array([0, 1]))
    assert np.allclose(one.loss, [0.01, 0.03])


def test_outputs_that_are_not_finite_are_not_active():
    view = Hinge(np.array([0.02]), np.array([0.1])).evaluate(np.full((1, 3), np.nan), np.array([1]))
    assert not view.active[0]


def test_ties_but_for_noise_go_to_the_first():
    noisy = 0.3 + np.array([[0.0, 2e-16, 3e-13, -1e-12]])
    view = Hinge(np.array([0.02]), np.array([0.1])).evaluate(noisy, np.array([0]))
    assert view.prediction.tolist() == [0]
    assert np.flatnonzero(view.clamped[0]).tolist() == [0, 1]


def test_diagnostics():
    out_V = np.array([[0.30, 0.20, 0.10], [0.30, 0.31, 0.10], [0.0, 0.0, 0.02]])
    found = Hinge(np.array([0.02]), np.array([0.1])).diagnostics(out_V, np.array([0, 0, 2]))
    gaps = np.array([0.10, -0.01, 0.02])
    assert np.isclose(found["test_gap_mean"], gaps.mean())
    assert np.isclose(found["test_gap_median"], 0.02)
    assert np.isclose(found["test_gap_std"], gaps.std())
    assert np.isclose(found["test_satisfy_frac"], 2 / 3)
    assert np.isclose(found["test_hinge_mean"], 0.03 / 3)
