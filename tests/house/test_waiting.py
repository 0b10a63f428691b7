"""Limits: what is waited for, and what a test says when it gives up."""

import os

import pytest
import waiting
from waiting import finish, stretched, wait_until


def hurry(monkeypatch):
    """No load, and little patience."""
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(waiting, "LIMIT_S", 0.3)
    monkeypatch.setenv("NONIDEAL_TEST_PATIENCE", "1")


def test_what_hangs_is_ended_and_says_what_it_printed(python, tmp_path, monkeypatch):
    process = python("-c", "import time; print('so far', flush=True); open('begun', 'w'); time.sleep(1000)")
    wait_until((tmp_path / "begun").exists, process)
    hurry(monkeypatch)
    with pytest.raises(AssertionError, match=r"(?s)did not happen in 0 s; the load is 0.0.*exit code -9\nso far"):
        wait_until(lambda: False, process)
    with pytest.raises(AssertionError, match=r"(?s)did not end in 0 s.*exit code -9"):
        finish(python("-c", "import time; time.sleep(1000)"))


def test_a_process_that_has_ended_is_not_waited_for(python):
    process = python("-c", "raise SystemExit('no such thing')")
    with pytest.raises(AssertionError, match=r"(?s)ended with 1 before it happened.*no such thing"):
        wait_until(lambda: False, process)


def test_an_exit_code_that_is_not_expected_shows_the_output(python):
    with pytest.raises(AssertionError, match=r"exit code 1\nno such thing"):
        finish(python("-c", "raise SystemExit('no such thing')"), code=0)
    assert finish(python("-c", "print(7)"), code=0) == ("7\n", "")


def test_limits_grow_with_load_and_patience(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    for load, patience, factor in ((0.0, "1", 1), (1.0, "1", 1), (8.0, "1", 8), (8.0, "2.5", 20), (0.0, "3", 3)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        monkeypatch.setenv("NONIDEAL_TEST_PATIENCE", patience)
        assert stretched(10) == pytest.approx(10 * factor)
