"""A chip's four arrays: checked, handed on to circuits, written whole."""

import numpy as np
import pytest

from analog_nmos.chips import Chip, load_chip
from analog_nmos.topology import dense
from common.errors import InputError

GOOD = {"vto_free_V": [0.1, -0.2], "vto_clamp_V": [0, 1], "kp_free": [1.0, 0.5], "kp_clamp": [2.0, 1e-6]}


def chip(**changed):
    return Chip(**{**GOOD, **changed})


def test_each_circuit_gets_its_own():
    own = chip()
    assert own.free().vto_offset_V.tolist() == [0.1, -0.2]
    assert own.free().kp_factor.tolist() == [1.0, 0.5]
    assert own.clamp().vto_offset_V.tolist() == [0.0, 1.0]
    assert own.clamp().kp_factor.tolist() == [2.0, 1e-6]
    assert own.n_edges == 2


def test_its_arrays_are_copies_that_cannot_be_changed():
    mine = np.array([0.1, -0.2])
    own = chip(vto_free_V=mine)
    mine[0] = 5.0
    assert own.vto_free_V[0] == 0.1
    with pytest.raises(ValueError, match="read-only"):
        own.kp_free[0] = 2.0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"vto_free_V": [0.0, np.nan]}, "array vto_free: edge 1 must be between -1000 and 1000 V, not nan"),
        ({"vto_clamp_V": [1001.0, 0.0]}, "array vto_clamp: edge 0 must be between -1000 and 1000 V, not 1001"),
        ({"kp_free": [0.0, 1.0]}, "array beta_free: edge 0 must be above 0, at most 1e+06, not 0"),
        ({"kp_clamp": [1.0, 2e6]}, "array beta_clamp: edge 1 must be above 0, at most 1e+06, not 2e+06"),
        ({"kp_clamp": [1.0]}, "array beta_clamp has 1 numbers and vto_free 2; each edge has one"),
        ({"vto_free_V": [[0.0, 1.0]]}, "array vto_free must have a number for each edge, not float64 of shape (1, 2)"),
        ({"vto_free_V": ["a", "b"]}, "array vto_free must have a number for each edge, not <U1 of shape (2,)"),
        ({"kp_free": [True, True]}, "array beta_free must have a number for each edge, not bool of shape (2,)"),
        ({"vto_free_V": []}, "array vto_free must have a number for each edge, not float64 of shape (0,)"),
    ],
)
def test_what_no_chip_has_is_refused(changed, message):
    with pytest.raises(InputError) as refused:
        chip(**changed)
    assert str(refused.value) == message


def test_it_fits_networks_of_as_many_edges():
    chip().check_fits(dense(2, 1))
    with pytest.raises(InputError, match=r"^a chip of 2 edges does not fit a topology of 6$"):
        chip().check_fits(dense(3, 2))


@pytest.mark.parametrize("ending", [".npz", ".csv", ".CSV"])
def test_what_is_written_is_read_to_the_last_bit(tmp_path, ending):
    rng = np.random.default_rng(0)
    arrays = {name: rng.uniform(1e-6, 3, 50) for name in GOOD}
    own, path = Chip(**arrays, meta={"who": "Ω"}), tmp_path / f"chip{ending}"
    own.save(path)
    found = load_chip(path)
    for name, values in own.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], values, strict=True)
    assert found.meta == ({"who": "Ω"} if ending == ".npz" else {})
    first = path.read_bytes()
    own.save(path)
    assert path.read_bytes() == first
    assert sorted(tmp_path.iterdir()) == [path]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"chip\.txt: the name of a chip's file ends in \.npz or \.csv$"):
        chip().save(tmp_path / "chip.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_the_old_file(tmp_path, killed):
    for ending in (".npz", ".csv"):
        path = tmp_path / f"chip{ending}"
        chip().save(path)
        before = path.read_bytes()
        assert killed(lambda path=path: chip(vto_free_V=[9.0, 9.0]).save(path), path.name)
        assert path.read_bytes() == before
