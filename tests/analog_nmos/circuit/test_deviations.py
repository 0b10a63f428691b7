"""What deviations are, and what is refused."""

import numpy as np
import pytest

from analog_nmos.circuit.deviations import Deviations, fitting
from analog_nmos.topology import dense
from common.errors import InputError


@pytest.mark.parametrize(
    ("offset_V", "factor", "words"),
    [
        ([0.0, np.nan], [1.0, 1.0], "vto_offset_V of edge 1 must be between -1000 and 1000 V, not nan"),
        ([np.inf, 0.0], [1.0, 1.0], "vto_offset_V of edge 0 must be between -1000 and 1000 V, not inf"),
        ([0.0, -1001.0], [1.0, 1.0], "vto_offset_V of edge 1 must be between -1000 and 1000 V, not -1001"),
        ([0.0, 0.0], [1.0, 0.0], "kp_factor of edge 1 must be above 0, at most 1e+06, not 0"),
        ([0.0, 0.0], [-0.5, 1.0], "kp_factor of edge 0 must be above 0, at most 1e+06, not -0.5"),
        ([0.0, 0.0], [np.nan, 1.0], "kp_factor of edge 0 must be above 0, at most 1e+06, not nan"),
        ([0.0, 0.0], [1.0, 1e7], "kp_factor of edge 1 must be above 0, at most 1e+06, not 1e+07"),
        ([0.0], [1.0, 1.0], "vto_offset_V has 1 numbers and kp_factor 2; each edge has both"),
        ([[0.0, 0.0]], [1.0, 1.0], "vto_offset_V must be one number for each edge, shape (edges,), not (1, 2)"),
        (0.0, [1.0], "vto_offset_V must be one number for each edge, shape (edges,), not ()"),
        ([0.0], ["fast"], "kp_factor must be numbers, one for each edge"),
    ],
)
def test_what_is_no_deviation_is_refused_in_one_line(offset_V, factor, words):
    with pytest.raises(InputError) as problem:
        Deviations(offset_V, factor)
    assert str(problem.value) == words


def test_they_are_copies_that_nobody_changes():
    offset_V, factor = np.array([0.1, -0.2]), np.array([1.1, 0.9])
    own = Deviations(offset_V, factor)
    offset_V[0] = factor[0] = 9.0
    assert own.vto_offset_V.tolist() == [0.1, -0.2]
    assert own.kp_factor.tolist() == [1.1, 0.9]
    with pytest.raises(ValueError, match="read-only"):
        own.kp_factor[0] = 2.0


def test_pruning_keeps_those_of_the_edges_that_stay():
    own = Deviations([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])
    for edges in (np.array([True, False, True]), np.array([0, 2])):
        kept = own.keep(edges)
        assert kept.vto_offset_V.tolist() == [0.1, 0.3]
        assert kept.kp_factor.tolist() == [1.0, 3.0]


def test_each_replica_has_those_of_its_own_edges():
    topologies = [dense(2, 2), dense(3, 2)]
    own = Deviations(np.zeros(6), np.ones(6))
    assert fitting(None, topologies) == [None, None]
    assert fitting((None, own), topologies) == [None, own]
    with pytest.raises(InputError, match=r"^deviations of 1 replica\(s\) do not fit 2$"):
        fitting([own], topologies)
    with pytest.raises(InputError, match=r"^deviations of 6 transistors do not fit replica 0, which has 4$"):
        fitting([own, own], topologies)
