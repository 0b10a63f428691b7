"""Small networks, so that a solve takes a millisecond, and commands run as processes."""

import numpy as np
import pytest

from analog_nmos.backends.ngspice_library import find_library
from analog_nmos.topology import dense, shipped
from common.errors import InputError


def _has_ngspice():
    try:
        find_library()
    except InputError:
        return False
    return True


NGSPICE = _has_ngspice()


@pytest.fixture
def needs_ngspice():
    if not NGSPICE:
        pytest.skip("libngspice is not installed; scripts/setup.sh does it")


@pytest.fixture
def sparse_digits(tmp_path):
    """A file with six edges an output of the digit network: 64 inputs, 10 outputs, 60 edges."""
    network = shipped()
    chosen = np.sort(np.random.default_rng(0).permutation(640).reshape(64, 10)[:6].ravel())
    path = tmp_path / "sparse.npz"
    network.keep(chosen).save(path)
    return path


@pytest.fixture
def tiny():
    """Three inputs, two outputs, six edges."""
    return dense(3, 2)
