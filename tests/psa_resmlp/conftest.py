"""Commands in this process or as processes, and small studies."""

import pytest

from psa_resmlp.study.architectures import parse
from psa_resmlp.tables import Study, Trial


@pytest.fixture
def study_of():
    """A study from {name: {mode: accuracies}}; None stands for a missing trial."""

    def make(cells, family="resmlp"):
        study = Study(family)
        for name, modes in cells.items():
            study.cells.setdefault(parse(name), {})
            for mode, values in modes.items():
                for number, value in enumerate(values, 1):
                    if value is not None:
                        study.add(parse(name), mode, Trial(number, value))
        return study

    return make


@pytest.fixture
def here(here):
    """The shared one, for modules named without their package."""
    return lambda module, *words, **options: here(f"psa_resmlp.{module}", *words, **options)


@pytest.fixture
def command(command):
    """The shared one, for modules named without their package."""
    return lambda module, *words, **options: command(f"psa_resmlp.{module}", *words, **options)
