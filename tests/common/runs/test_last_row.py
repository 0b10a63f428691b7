"""The light reader of last rows gives what pandas gives, bit for bit, or leaves the file to pandas."""

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common.runs import Run, RunRecord, StopSignals, load_runs, metrics, read
from common.runs.last_row import plain_last_row

ROOT = Path(__file__).parents[3]
FORMS = ("{:.10g}", "{:.4f}", "{:.17g}", "{:.3e}", "{:.0f}")


def by_pandas(folder):
    last = RunRecord(folder, {}, "done").metrics.tail(1).to_dict("records")
    return last[0] if last else {}


def bits(row):
    return {name: (type(value), np.float64(value).tobytes() if isinstance(value, float) else value)
            for name, value in row.items()}  # fmt: skip


def assert_same(folder):
    found = plain_last_row(folder)
    if found is not None:
        assert bits(found) == bits(by_pandas(folder))
    return found


cells = st.one_of(
    st.builds(str.format, st.sampled_from(FORMS), st.floats()),
    st.integers(-(10**19), 10**19).map(str),
    st.sampled_from(["", "nan", "-nan", "NaN", "inf", "True", "text", "1e400", "1.", ".5", "+3", "1e5", "007", "-0"]),
)


tables = st.integers(2, 4).flatmap(lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), max_size=4))


@given(table=tables)
@example(table=[["nan", "1"], ["0", "2"]])
@example(table=[["1", "3.5"], ["2", "1e-30"]])
@example(table=[["0", "+3"]])
@example(table=[["nan", "0"], ["-0", "0"]])
@example(table=[["0", "18446744073709551616"], ["0", "1e+10"]])
@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_table(tmp_path, table):
    with open(tmp_path / metrics.NAME, "w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["epoch", "val_acc", "edges", "loss"][: len(table[0]) if table else 2])
        writer.writerows(table)
    assert_same(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["epoch,a\n1,2\n3,4", "epoch,a\n1,2\n3", "epoch,a\n1,2\n3,4,5\n", "epoch,a\n1,2\n\n",
        "epoch,a\n1\n2,3\n", "epoch,a\n",
     "epoch,a", "epoch\n1\n", "a,a\n1,2\n",
        "a,\n1,2\n", 'a,"b,c"\n1,2,3\n', "epoch,a\r\n1,2\r\n", "epoch,a\n1_0,2\n",
     "epoch,a\n1, 2\n", "epoch,a\n1,1.2.3\n", "epoch,a\n1,-\n", "epoch,a\n1,2,3\n1,2,3\n"],
)  # fmt: skip
def test_damaged_and_other_files(tmp_path, text):
    (tmp_path / metrics.NAME).write_text(text)
    assert_same(tmp_path)


def test_what_this_package_writes_is_read_without_pandas(tmp_path):
    rng = np.random.default_rng(0)
    for epoch in range(40):
        loss = float(rng.normal() * 10.0 ** rng.integers(-6, 6))
        row = {"epoch": epoch, "train_acc": math.nan if epoch == 0 else epoch / 40, "val_loss": loss, "one": 1.0}
        metrics.append_rows(tmp_path, [{**row, "reloads": math.nan if epoch == 0 else 0, "shift": -epoch}])
        found = assert_same(tmp_path)
        assert found is not None
    assert [type(value) for value in found.values()] == [int, float, float, int, float, int]
    assert plain_last_row(tmp_path / "missing") == {}


def folders(tmp_path):
    """Runs of all suites, and some that are torn, dead, damaged or empty."""
    found = [path.parent for path in sorted((ROOT / "results").rglob("run_meta.json"))]
    found += [path.parent for path in sorted((ROOT / "tests").rglob("run_meta.json"))]
    for name in ("torn", "dead", "empty", "damaged", "other"):
        folder = tmp_path / name
        folder.mkdir()
        with StopSignals() as signals, Run(folder, {"seed": 1, "rate": 0.5}, signals, echo=None) as run:
            for epoch in range(3 * (name != "empty")):
                run.metrics({"epoch": epoch, "val_acc": epoch / 3})
        found.append(folder)
    (tmp_path / "torn" / metrics.NAME).write_text("epoch,val_acc\n0,0.5\n1,0.")
    (tmp_path / "damaged" / metrics.NAME).write_text("epoch,val_acc\n0,0.5\n1,0.5,7,8\n")
    (tmp_path / "other" / metrics.NAME).write_text("epoch,note\n0,good\n1,bad\n")
    meta = (
        (tmp_path / "dead" / "run_meta.json").read_text().replace('"done"', '"running"').replace('"pid": ', '"pid": 9')
    )
    (tmp_path / "dead" / "run_meta.json").write_text(meta)
    return found


def test_the_table_of_runs_of_all_suites_is_the_same(tmp_path, monkeypatch):
    chosen = folders(tmp_path)
    light = load_runs(chosen)
    monkeypatch.setattr(read, "plain_last_row", lambda folder: None)
    pd.testing.assert_frame_equal(light, load_runs(chosen), check_exact=True)
    assert {"done", "dead", "damaged"} <= set(light["status"])
    assert len(light) == len(chosen)
