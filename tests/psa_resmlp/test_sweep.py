"""psa-sweep: its grid, its tables, its estimate, and what a kill leaves."""

import csv
import json
import signal

import numpy as np
import pytest
from waiting import finish, wait_until

from psa_resmlp import sweep
from psa_resmlp.study.architectures import ARCHITECTURES, parse
from psa_resmlp.tables import read_study
from psa_resmlp.tables.sweep import percent
from psa_resmlp.training.estimate import fit, representatives, shares

SMALL = (
    "--arch",
    "2*6,1*5",
    "--ablation-mode",
    "none,hidden",
    "--trial",
    "1,2",
    "--dataset",
    "digits",
    "--lr",
    "0.003",
)


def test_the_default_grid_is_the_study(here):
    names = here("sweep", "--list").out.split()
    assert len(names) == 98 * 6 * 10 == len(set(names))
    assert names[0] == "run_0000_1x2048_none_trial01"
    assert names[-1] == "run_5879_2x1_output_trial10"


def test_wrong_axes_end_in_one_line(here, tmp_path):
    for words, message in (
        (("--trial", "0"), "--trial"),
        (("--arch", "x"), "cannot be read"),
        (("--compat", "y"), "y"),
    ):
        done = here("sweep", *words, "--list", code=2)
        assert message in done.err
        assert done.err.count("\n") == 1


def test_trials_of_an_architecture_go_together():
    specs = sweep.specs(sweep.SWEEP.axes)
    assert len({spec.group for spec in specs}) == 98
    assert all(len({one.group for one in specs[first : first + 60]}) == 1 for first in range(0, len(specs), 60))


def test_the_fit_finds_shares_that_are_there():
    truth = np.array([2e-9, 1e-9, 3e-8, 1e-5, 0.0])
    costs = np.array([shares(one, "resmlp") for one in ARCHITECTURES[::7]])
    found = fit(costs, costs @ truth)
    np.testing.assert_allclose(costs @ found, costs @ truth, rtol=1e-6)


def test_representatives_span_the_study():
    chosen = representatives(ARCHITECTURES, "resmlp")
    assert len(chosen) <= 12
    counts = [one.parameters("resmlp") for one in ARCHITECTURES]
    assert {min(counts), max(counts)} <= {one.parameters("resmlp") for one in chosen}
    assert parse("2048*1") in chosen


def test_dry_run_measures_and_writes_nothing(here, tmp_path):
    done = here("sweep", *SMALL, "--meta-loops", 3, "--dry-run")
    assert "8 runs, 8 to do now" in done.out
    assert "core hours" in done.out
    assert list(tmp_path.iterdir()) == []


def _results(folder):
    with open(folder / "results.csv") as stream:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(stream)]


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_the_same_tables(start, tmp_path):
    words = (*SMALL, "--meta-loops", 40, "--workers", 1, "--quiet")
    process = start("psa_resmlp.sweep", *words, "--sweep-dir", "killed")
    wait_until(
        lambda: any(len(path.read_text().splitlines()) > 5 for path in tmp_path.glob("killed/run_*/metrics.csv")),
        process,
    )
    process.send_signal(signal.SIGKILL)
    process.wait()
    for folder in ("killed", "whole"):
        process = start("psa_resmlp.sweep", *words, "--sweep-dir", folder)
        finish(process, 0)
    assert _results(tmp_path / "killed") == _results(tmp_path / "whole")
    for name in ("psa_resmlp_trials.md", "psa_resmlp_summary.md", "psa_resmlp_trials.csv"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    study = read_study(tmp_path / "whole")
    assert len(study.values(parse("2*6"), "hidden")) == 2


def test_percentages_from_fractions_are_those_from_counts():
    for images in (239, 360, 10_000, 60_000):
        for hits in {*range(0, images + 1, max(1, images // 500)), 1, images - 1, images}:
            assert percent(hits / images) == 100 * hits / images
            assert percent(0.01 * (100 * hits / images)) == 100 * hits / images


@pytest.mark.slow
def test_a_sweep_that_an_earlier_version_began_has_one_table(here, tmp_path):
    """Its DONE files have percentages and other names; nothing is lost or rounded when this version ends the sweep."""
    words = ("--arch", "1*5", "--ablation-mode", "none,full", "--trial", "1,2", "--dataset", "digits", "--lr", "0.003")
    here("sweep", *words, "--meta-loops", 2, "--sweep-dir", "sweep", "--quiet")
    tables = {path.name: path.read_bytes() for path in (tmp_path / "sweep").glob("psa_resmlp_*")}
    for number, folder in enumerate(sorted((tmp_path / "sweep").glob("run_*"))):
        if number == 3:
            for name in ("DONE", "run_meta.json", "metrics.csv", "mnist_lkg.safetensors"):
                (folder / name).unlink()
            continue
        done = json.loads((folder / "DONE").read_text())
        [trial] = json.loads((folder / "run_meta.json").read_text())["result"]["trials"]
        done["result"] = {
            **{name: done["result"][name] for name in ("family", "mode", "trial_seed")},
            **{name: trial[name] for name in ("bounty_percent", "bounty_loop", "test_accuracy_percent")},
            "loops": trial["meta_loops"],
        }
        (folder / "DONE").write_text(json.dumps(done))
    here("sweep", *words, "--meta-loops", 2, "--sweep-dir", "sweep", "--quiet")
    assert {path.name: path.read_bytes() for path in (tmp_path / "sweep").glob("psa_resmlp_*")} == tables
