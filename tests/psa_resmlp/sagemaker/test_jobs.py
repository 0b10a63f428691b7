"""Where cells stand, from the statuses of all their jobs."""

import pytest

from psa_resmlp.sagemaker.jobs import State, is_due, progress
from psa_resmlp.sagemaker.names import Cell, job_name
from psa_resmlp.study.architectures import parse

CELL, STUDY = Cell(parse("2*6"), "none"), "1a2b3c4d"


def name(attempt, study=STUDY):
    return job_name(CELL, study, attempt).text


@pytest.mark.parametrize(
    ("statuses", "state", "last", "following"),
    [
        ([], State.NEW, None, 1),
        (["InProgress"], State.ACTIVE, 1, 2),
        (["Stopping"], State.ACTIVE, 1, 2),
        (["Completed"], State.COMPLETED, 1, 2),
        (["Failed"], State.FAILED, 1, 2),
        (["Stopped"], State.STOPPED, 1, 2),
        (["Failed", "Stopped"], State.STOPPED, 2, 3),
        (["Stopped", "Failed"], State.FAILED, 2, 3),
        (["Completed", "Failed"], State.COMPLETED, 1, 3),
        (["InProgress", "Stopped", "Failed"], State.ACTIVE, 1, 4),
        (["InProgress", "Completed"], State.COMPLETED, 2, 3),
        (["Completed", "InProgress"], State.COMPLETED, 1, 3),
    ],
)
def test_the_state_of_a_cell(statuses, state, last, following):
    known = {name(attempt): status for attempt, status in enumerate(statuses, 1)}
    (found,) = progress([CELL], STUDY, known)
    assert found.state is state
    assert (found.last and found.last.text) == (last and name(last))
    assert found.next.text == name(following)
    assert is_due(found, False) == (state in (State.NEW, State.STOPPED))
    assert is_due(found, True) == (state in (State.NEW, State.STOPPED, State.FAILED))


def test_jobs_of_others_are_none_of_its_business():
    others = {name(1, "00000000"): "Completed", "psa-2x6-none-2025-08-04-19-53-35-910": "Completed", "my-job": "Failed"}
    (found,) = progress([CELL], STUDY, others)
    assert found.state is State.NEW
