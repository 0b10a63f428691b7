"""The tour runs in an empty folder, with neither torch nor ngspice, and says and shows what it promises."""

import re
from pathlib import Path

import numpy as np
import pytest

import analog_nmos

NOTEBOOK = Path(analog_nmos.__file__).with_name("tour.ipynb")
ANCHOR_V = [0.01275, 0.06123, 0.02026, 0.08761]  # scores of the published program in its first epoch with seed 3


def numbers(text):
    return [float(word) for word in re.findall(r"-?\d+\.\d+", text)]


def after(lines, start, count=1):
    """The lines after the one that begins so."""
    [at] = [k for k, line in enumerate(lines) if line.startswith(start)]
    return lines[at + 1 : at + 1 + count]


@pytest.mark.slow
def test_the_tour(notebook, tmp_path, monkeypatch):
    for name in ("torch", "PySpice"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('the tour needs no {name}')\n")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    before = sorted(tmp_path.iterdir())
    shown = notebook(NOTEBOOK)
    assert shown.images == 7
    assert set(tmp_path.iterdir()) - set(before) <= {tmp_path / "jupyter", tmp_path / "__pycache__"}
    assert list((tmp_path / "temporary").glob("nmos-tour-*")) == []

    lines = shown.text.splitlines()
    assert lines[0] == "32 transistors, 10 hidden nodes"
    # One step: half of the way to the level, reached in the clamped phase, and a better score afterwards.
    [free_V, target_V] = numbers(next(line for line in lines if line.startswith("eta 0.5:")))[1:]
    assert target_V == pytest.approx((free_V - 0.087) / 2, abs=1e-4)
    [clamped_V] = numbers(next(line for line in lines if line.startswith("score in the clamped phase")))
    assert clamped_V == pytest.approx(target_V, abs=3e-4)
    before_V, after_V, level_V = numbers(next(line for line in lines if line.startswith("score before")))
    assert level_V == -0.087
    assert before_V == ANCHOR_V[2]
    assert before_V - 1e-3 < after_V < before_V - 1e-4
    for line in after(lines, "nodes  ", 5):
        gate_V, update_mV, new_V = numbers(line)
        assert new_V == pytest.approx(gate_V + 1e-3 * update_mV, abs=1.1e-4)
        assert abs(update_mV) > 0.5
    # An epoch, by hand and by the trainer.
    for who in ("hand", "library"):
        assert numbers(next(line for line in lines if line.startswith(f"scores by {who}"))) == ANCHOR_V
    # The training, and what lies between the samples.
    table = [line.split() for line in after(lines, "sample  score", 4)]
    assert [row[0] for row in table] == ["00", "01", "10", "11"]
    assert [row[3] for row in table] == ["0", "1", "1", "0"]
    assert np.allclose([float(row[1]) for row in table], [0.0, -0.087, -0.087, 0.0], rtol=0, atol=0.02)
    share = int(re.search(r"the answer is 1 on (\d+)%", shown.text)[1])
    assert 40 < share < 80
