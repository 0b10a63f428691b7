"""load_sweep: every way a sweep's folder can look, and the time it takes."""

import json
import time

import pytest
from waiting import stretched

from common.errors import InputError
from common.runs import Run, StopSignals, load_sweep
from common.runs.journal import Journal
from common.runs.outcome import write_outcome
from common.sweeps import Outcome, RunSpec
from common.sweeps.folder import settle_specs


def make(folder, count, *, journal=True):
    specs = [
        RunSpec(
            n, f"seed{n}", {"seed": n, "gamma": 0.1 * (n % 3), "vg_init": "fixed"}, {"seed": n, "vg": f"fix{n % 4}"}
        )
        for n in range(count)
    ]
    settle_specs(folder, specs, {"function": "m:f"})
    notes = Journal(folder)
    for spec in specs:
        outcome = Outcome(spec.index, "done", 12.5, {"final_val_acc": spec.index / count, "final_epoch": 100})
        (folder / spec.folder).mkdir()
        write_outcome(folder / spec.folder, outcome)
        if journal:
            notes.note("start", index=spec.index, run=spec.folder)
            notes.ended(outcome)
    return specs


@pytest.mark.parametrize("journal", [True, False])
def test_a_large_sweep_loads_in_less_than_five_seconds(tmp_path, journal):
    make(tmp_path, 1458, journal=journal)
    if not journal:
        (tmp_path / "status.jsonl").unlink(missing_ok=True)
    start = time.perf_counter()
    table = load_sweep(tmp_path)
    assert time.perf_counter() - start < stretched(5)
    assert len(table) == 1458
    assert table["status"].unique().tolist() == ["done"]
    row = table.iloc[729]
    assert (row["seed"], row["vg"], row["final_val_acc"], row["final_epoch"], row["seconds"]) == (
        729,
        "fix1",
        0.5,
        100,
        12.5,
    )
    assert list(table.columns[:6]) == ["index", "run", "status", "seed", "vg", "gamma"]


def test_a_sweep_that_was_cut_off(tmp_path):
    specs = make(tmp_path, 6)
    notes = Journal(tmp_path)
    for spec in specs[2:]:  # started once more, and something happened each time
        (tmp_path / spec.folder / "DONE").unlink()
        notes.note("start", index=spec.index)
    write_outcome(tmp_path / specs[3].folder, Outcome(3, "failed", 1.0, {}, "why", "error"))
    with StopSignals() as signals, Run(tmp_path / specs[4].folder, {"seed": 4}, signals, echo=None):
        meta = json.loads((tmp_path / specs[4].folder / "run_meta.json").read_text())
    meta.update(status="running", pid=2**22 + 1)
    (tmp_path / specs[4].folder / "run_meta.json").write_text(json.dumps(meta))
    table = load_sweep(tmp_path)
    assert table["status"].tolist() == ["done", "done", "interrupted", "failed", "dead", "interrupted"]
    assert table["reason"][3] == "why"
    assert load_sweep(str(tmp_path))["folder"][0].endswith("run_0000_seed0")


def test_run_folders_without_a_sweep(tmp_path):
    for seed in range(3):
        folder = tmp_path / f"r{seed}"
        folder.mkdir()
        with StopSignals() as signals, Run(folder, {"seed": seed, "net": {"a": 1}}, signals, echo=None) as run:
            run.metrics({"epoch": 0, "val_acc": float("nan")})
            run.metrics({"epoch": 1, "val_acc": seed / 4})
            run.note(result={"selected_val_acc": 0.9, "selected_epoch": 1})
    table = load_sweep(tmp_path)
    assert table["final_val_acc"].tolist() == [0.0, 0.25, 0.5]
    assert table["selected_val_acc"].tolist() == [0.9] * 3
    assert table["final_epoch"].tolist() == [1, 1, 1]


def test_folders_without_anything(tmp_path):
    with pytest.raises(InputError, match=r"neither runspecs\.jsonl nor a run folder"):
        load_sweep(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        load_sweep(tmp_path / "x")
    (tmp_path / "runspecs.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"runspecs\.jsonl is damaged"):
        load_sweep(tmp_path)
