"""Names of jobs, ours and the published program's."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from common.errors import InputError
from psa_resmlp.sagemaker.names import Cell, attempt, by_cell, job_name, parse_job_name
from psa_resmlp.study.architectures import ARCHITECTURES, build, parse
from psa_resmlp.study.modes import MODE_NAMES

SHAPES = some.lists(some.tuples(some.integers(1, 999), some.integers(1, 999)), min_size=1, max_size=4)


@given(SHAPES, some.sampled_from(MODE_NAMES), some.integers(0, 2**32 - 1), some.integers(1, 9999))
def test_a_name_says_what_it_was_made_of(stacks, mode, study, number):
    name = job_name(Cell(build(stacks), mode), f"{study:08x}", number)
    assert parse_job_name(name.text) == name
    assert attempt(name) == number
    assert len(name.text) <= 63


def test_names_of_the_published_program():
    name = parse_job_name("psa-115x2-hidden-2025-08-04-19-55-47-007")
    assert (name.cell, name.study) == (Cell(parse("115*2"), "hidden"), "")


@pytest.mark.parametrize(
    "text",
    [
        "psa-", "psa-18x18", "psa-18x18-none", "psa-18x18-odd-00000000-01", "psa-0x5-none-00000000-01",
        "psa-18x18-none-0000000g-01", "x-psa-1x1-none-00000000-01",
    ],
)  # fmt: skip
def test_other_names(text):
    assert parse_job_name(text) is None


def test_too_long_a_name():
    with pytest.raises(InputError, match="SageMaker allows 63"):
        job_name(Cell(parse(",".join(f"100*{width}" for width in range(100, 108))), "none"), "0" * 8, 1)


def test_attempts_are_in_their_order():
    cell = Cell(parse("1*2"), "none")
    names = [job_name(cell, "0" * 8, number) for number in (10, 2, 100, 1)]
    assert [attempt(name) for name in by_cell(names)[cell]] == [1, 2, 10, 100]


def test_the_study_has_588_names():
    assert len({job_name(Cell(one, mode), "0" * 8, 1) for one in ARCHITECTURES for mode in MODE_NAMES}) == 588
