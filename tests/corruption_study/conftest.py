import pytest

SMALL = "--dataset digits --activations relu --repeats 2 --epochs 2 --ps 0 0.5 --hidden-sizes 32".split()


@pytest.fixture
def small():
    """Options of a campaign of four runs that take a fraction of a second each."""
    return list(SMALL)
