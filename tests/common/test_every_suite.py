"""One vocabulary of results: runs and sweeps of all suites, as an earlier version left them, in one list and table."""

import csv
import tarfile
from pathlib import Path

import pytest

from common.browse import main
from common.runs import load_run, load_runs, load_sweep
from common.runs.outcome import read_outcome
from common.runs.spec import read_specs
from common.sweeps.results import Results

FIXTURES = Path(__file__).parents[1] / "compat" / "fixtures"
pytestmark = pytest.mark.skipif(not FIXTURES.is_dir(), reason="tests/compat/fixtures is not there")
# A finished run of each suite: the column that ranks it, its metric, its epochs, and by what an epoch was selected.
RUNS = {
    "aanntwin/done": ("final_test_acc", "test_acc", 1, ""),
    "analog_nmos/done": ("selected_val_acc", "val_acc", 2, "test set"),
    "corruption_study/campaign/run_0000_mlp_relu_p0.0_r0": ("final_test_acc", "test_acc", 3, ""),
    "magnetoionic/done": ("final_test_acc", "test_acc", 1, ""),
    "psa_resmlp/first": ("selected_val_acc", "val_acc", 2, "validation set"),
}
SWEEPS = {
    "aanntwin/noise.sweep": "final_test_acc",
    "analog_nmos/sweep": "selected_val_acc",
    "corruption_study/campaign": "final_test_acc",
    "magnetoionic/figure": "final_test_acc",
    "psa_resmlp/study": "selected_val_acc",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs and sweeps of all suites, a folder each."""
    folder = tmp_path_factory.mktemp("suites")
    for file in FIXTURES.glob("*.tar.xz"):
        with tarfile.open(file) as archive:
            archive.extractall(folder / file.name.partition(".")[0], filter="data")
    return folder


def test_one_list_of_a_finished_run_of_each_suite(place, capsys):
    assert main(["runs", *(str(place / run) for run in RUNS)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == "status started epoch of score metric final selected selected on run".split()
    for line, (run, (score, metric, epoch, on)) in zip(lines[1:], RUNS.items(), strict=False):
        status, _, _, at, of, value, name, final, selected, *where = line.split()
        assert (status, at, of, name, where) == (
            "done",
            str(epoch),
            str(epoch),
            metric,
            [*(on or "-").split(), str(place / run)],
        )
        assert 0 < float(value) < 1
        assert value == (selected if score.startswith("selected") else final)


def test_one_table_of_a_finished_run_of_each_suite(place):
    table = load_runs([place / run for run in RUNS]).set_index("folder")
    for run, (score, _, epoch, on) in RUNS.items():
        row = table.loc[str(place / run)]
        assert (row["score_name"], row["score"]) == (score, row[score])
        assert 0 < row["score"] < 1
        assert (row["selected_on"] == on) if on else row[["selected_on"]].isna().all()
        assert row["final_epoch"] == epoch or "psa" in run or "magnetoionic" in run


@pytest.mark.parametrize("run", RUNS)
def test_each_is_shown(place, capsys, run):
    assert main(["show", str(place / run)]) == 0
    assert f"score_name {RUNS[run][0]} " in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_sweep_of_each_suite(place, capsys, sweep, tmp_path):
    folder, score = place / sweep, SWEEPS[sweep]
    assert main(["table", str(folder), "--no-plots"]) == 0
    assert f"\n{score}" in capsys.readouterr().out
    table = load_sweep(folder)
    done = table[table["status"] == "done"]
    assert done["score"].between(0, 1).all()
    assert (done["score"] == done[score]).all()
    specs = read_specs(folder)
    ended = {spec.index: end for spec in specs if (end := read_outcome(folder / spec.folder)) is not None}
    Results(tmp_path, specs, "accuracy", ended).save("interrupted")
    with open(tmp_path / "results.csv", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["status"] == "done"]
    assert [float(row["score"]) for row in rows] == done["score"].tolist()
    assert {row["score_name"] for row in rows} == {score}


def test_trials_of_a_run_are_a_table_of_their_own(place, capsys):
    assert main(["show", str(place / "psa_resmlp" / "trials")]) == 0
    out = capsys.readouterr().out
    assert "\ntrials\ntrial  mode" in out
    assert load_run(place / "psa_resmlp" / "trials").result["selected_val_acc"] == pytest.approx(0.7008, abs=1e-4)
