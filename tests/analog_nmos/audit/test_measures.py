"""Cosine, sign agreement and ratio on numbers that can be worked out by hand."""

import numpy as np
import pytest

from analog_nmos.audit.measures import cosine, ratio, sign_agreement

GRADIENT = np.array([[3.0, 4.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
UPDATE = np.array([[6.0, -8.0, 5.0], [-2.0, 0.0, 0.0], [1.0, 0.0, 0.0]])


def test_they_are_what_they_say():
    np.testing.assert_allclose(cosine(UPDATE, GRADIENT), [-14 / (5 * 125**0.5), -1.0, np.nan])
    np.testing.assert_allclose(ratio(UPDATE, GRADIENT), [125**0.5 / 5, 2.0, np.inf])
    # Only transistors where neither number is exactly 0 count.
    np.testing.assert_allclose(sign_agreement(UPDATE, GRADIENT), [0.5, 0.0, np.nan])


def test_scales_change_the_ratio_alone():
    assert cosine(7.0 * GRADIENT[0], GRADIENT[0]) == pytest.approx(1.0)
    assert ratio(7.0 * GRADIENT[0], GRADIENT[0]) == pytest.approx(7.0)
    assert sign_agreement(7.0 * GRADIENT[0], GRADIENT[0]) == 1.0
