"""SIGKILL at the file operations of every suite and of sweeps: resumed, it ends in the same numbers."""

import random
import time

import pytest
from faults_suites import SUITES, contents, leftovers

FEW, MANY = 2, 20
SWEEPS = ("corruption", "sweep")  # these start a cluster of workers each time
SOME = [pytest.param(name, marks=pytest.mark.slow) if name in SWEEPS else name for name in SUITES]


@pytest.fixture(scope="module")
def whole(server, tmp_path_factory):
    """By suite: the numbers of a training that was never stopped, and how often it changed the disk."""
    known = {}

    def of(name):
        if name not in known:
            suite, folder = SUITES[name], tmp_path_factory.mktemp(name)
            code, operations = server(suite).start(suite.words, folder)
            assert code == 0, (folder / "out.txt").read_text()
            known[name] = contents(folder / suite.folder), operations
            assert known[name][0]
        return known[name]

    return of


def check(suite, server, numbers, folder, **kill):
    """Kill a training, go on as a user would, and compare."""
    folder.mkdir()
    code, _ = server.start(suite.words, folder, **kill)
    ended = code == 0 and "after_s" in kill  # the clock is not exact: it may end before its kill
    assert code == -9 or ended, (folder / "out.txt").read_text()
    if again := suite.again(folder):
        code, _ = server.start(again, folder)
        assert code == 0, f"{kill}: {again}\n{(folder / 'out.txt').read_text()}"
        assert leftovers(folder / suite.folder) == [], kill
    assert contents(folder / suite.folder) == numbers, kill


@pytest.mark.parametrize("name", SOME)
def test_killed_at_some_file_operations(name, server, whole, tmp_path):
    numbers, operations = whole(name)
    for operation in sorted(random.Random(name).sample(range(1, operations), FEW)):
        check(SUITES[name], server(SUITES[name]), numbers, tmp_path / str(operation), operation=operation)


@pytest.mark.long
@pytest.mark.parametrize("name", SUITES)
def test_killed_at_every_file_operation(name, server, whole, tmp_path):
    numbers, operations = whole(name)
    for operation in range(1, operations):
        check(SUITES[name], server(SUITES[name]), numbers, tmp_path / str(operation), operation=operation)


@pytest.mark.long
@pytest.mark.parametrize("name", SUITES)
def test_killed_at_random_moments(name, server, whole, tmp_path):
    numbers, _ = whole(name)
    seconds = whole_seconds(server(SUITES[name]), SUITES[name], tmp_path / "timed")
    draw = random.Random(name)
    for number in range(MANY):
        moment = draw.uniform(0, 0.9 * seconds)
        check(SUITES[name], server(SUITES[name]), numbers, tmp_path / str(number), after_s=moment)


def whole_seconds(server, suite, folder):
    folder.mkdir()
    begun = time.monotonic()
    server.start(suite.words, folder)
    return time.monotonic() - begun
