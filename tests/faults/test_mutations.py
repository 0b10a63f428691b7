"""No damaged file makes a traceback, takes long, or takes much memory: it is refused in one line, or read.

A failure can be looked at again by its number: python tests/faults/read_damaged.py FOLDER SEED 1 FORMAT
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import finish

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for formats and mutate

from formats import FORMATS  # noqa: E402
from mutate import mutate  # noqa: E402

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bounds memory as Linux does")
FEW, MANY = 8, 200


def read_damaged(folder, count, names):
    """Failures by format, from one process for all of them."""
    words = [sys.executable, HERE / "read_damaged.py", folder, 0, count, *names]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(list(map(str, words)), env=environment, cwd=folder, text=True, **pipes)
    out, err = finish(process)  # it ends readings that take long itself
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    found = {name: [] for name in names}
    for line in lines:
        if "problem" in line:
            found[line["format"]].append(f"seed {line['seed']}: {line['problem']}")
    if not lines or "done" not in lines[-1]:  # the process has died at work on the last one
        last = lines[-1]["format"] if lines else names[0]
        found[last].append(f"exit code {process.returncode}: {err[-3000:]}")
        for name in names[list(names).index(last) + 1 :]:
            found[name].append(f"not read, as the process died at {last}")
    return found


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return read_damaged(tmp_path_factory.mktemp("damaged"), FEW, tuple(FORMATS))


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_refused_in_one_line_or_read(few, name):
    assert not few[name], "\n".join(few[name])


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_many_damaged_files(tmp_path, name):
    found = read_damaged(tmp_path, MANY, (name,))[name]
    assert not found, f"{len(found)} of {MANY}\n" + "\n".join(found)


def test_damage_is_drawn_from_its_seed_and_damages():
    content = b'{"numbers": [1, 2, 3], "name": "x"}\n' * 3
    found = [mutate(content, seed) for seed in range(200)]
    assert found == [mutate(content, seed) for seed in range(200)]
    assert len(set(found)) > 150
    assert sum(len(one) > 100_000 for one in found) > 3  # deeply nested
