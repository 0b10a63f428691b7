"""Every command: it is there, answers --help and wrong options at once, and loads nothing heavy for that."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from house import HEAVY, ROOT, SCRIPTS
from waiting import finish, stretched

PROBE = Path(__file__).with_name("probe.py")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What every command answers, by its name, from one process for all."""
    folder = tmp_path_factory.mktemp("commands")
    process = subprocess.Popen(
        [sys.executable, PROBE, *SCRIPTS.values()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        text=True,
    )
    lines = finish(process, code=0)[0].splitlines()
    assert list(folder.iterdir()) == []
    return {name: json.loads(line) for name, line in zip(SCRIPTS, lines, strict=True)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_answers_at_once_and_loads_nothing_heavy(answers, name):
    answer = answers[name]
    code, out, err = answer["help"]
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: {name} ")
    assert answer["seconds"] < stretched(3)  # 0.3 on a quiet machine; most of it goes to Python itself and NumPy
    code, out, err = answer["wrong"]
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert HEAVY.intersection(answer["loaded"]) == set()
