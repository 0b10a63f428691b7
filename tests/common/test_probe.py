"""Measuring in processes of their own: what comes back, what is timed, and how failures are reported."""

import importlib
import textwrap

import pytest

from common.errors import RunError
from common.probe import measure

WORK = """
    import os, time
    def work(ready, end):
        held = bytearray(64 << 20)
        held[::4096] = b"x" * len(held[::4096])
        if end == "raises":
            raise ValueError("two\\nlines")
        if end == "dies":
            os._exit(7)
        time.sleep(0.3)
        ready()
        return {"end": end, "pid": os.getpid()}
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    (tmp_path / "probed_work.py").write_text(textwrap.dedent(WORK))
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("probed_work").work


def test_what_is_before_ready_is_not_timed_and_all_processes_report(work):
    found = measure(work, "well", processes=2)
    assert [each.value["end"] for each in found] == ["well"] * 2
    assert len({each.value["pid"] for each in found}) == 2
    assert all(each.seconds < 0.25 for each in found)  # 0.3 s of preparation
    assert all(each.memory_MiB > 64 for each in found)


@pytest.mark.parametrize(
    ("end", "message"),
    [("raises", "a step failed: ValueError: two lines"), ("dies", "a step broke off (exit code 7)")],
)
def test_a_failure_is_one_line_and_stops_the_other_processes(work, end, message):
    with pytest.raises(RunError) as problem:
        measure(work, end, processes=2, what="a step")
    assert str(problem.value) == message
