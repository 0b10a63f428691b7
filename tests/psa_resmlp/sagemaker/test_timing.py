"""Hours beforehand: from jobs that have ended, and how rounds of trials fill the cores."""

import csv

import pytest

from common.errors import InputError
from psa_resmlp.sagemaker import timing
from psa_resmlp.sagemaker.names import Cell
from psa_resmlp.study.architectures import ARCHITECTURES, parse
from psa_resmlp.training.estimate import shares

SHARED = {"family": "resmlp", "trials": 4, "meta_loops": 50, "lr": 1e-4, "batch_size": 256, "dataset": "digits"}
PER_SHARE = (2e-7, 1e-7, 3e-6, 1e-3, 1.0)


def truth(architecture):
    return float(shares(architecture, "resmlp") @ PER_SHARE)


def report(path, architectures, **more):
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, timing.COLUMNS)
        writer.writeheader()
        for one in architectures:
            facts = {"family": "resmlp", "instance_type": "ml.c5.xlarge", "status": "Completed", "trials": 2}
            facts |= {"architecture": one.name, "meta_loops": 10, "training_seconds": 60 + 20 * truth(one)}
            writer.writerow(facts | more)
    return path


def test_jobs_that_ended_tell_of_all_architectures(tmp_path):
    path = report(tmp_path / "cost_report.csv", ARCHITECTURES[::9])
    cells = [Cell(one, mode) for one in ARCHITECTURES[::7] for mode in ("none", "full")]
    found = timing.from_jobs(path, cells, SHARED, "ml.c5.xlarge", 60)
    assert found.error < 1e-6
    for cell in cells:
        assert found.seconds[cell] == pytest.approx(200 * truth(cell.architecture), rel=1e-6)


@pytest.mark.parametrize(
    "more", [{"status": "Failed"}, {"instance_type": "ml.m5.large"}, {"family": "mlp"}, {"training_seconds": ""}]
)
def test_other_jobs_tell_nothing(tmp_path, more):
    path = report(tmp_path / "cost_report.csv", ARCHITECTURES[::9], **more)
    with pytest.raises(InputError, match="completed jobs of 0 architectures"):
        timing.from_jobs(path, [], SHARED, "ml.c5.xlarge", 60)


def test_timings_that_are_none(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        timing.from_jobs(tmp_path / "none.csv", [], SHARED, "ml.c5.xlarge", 60)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="has no column architecture"):
        timing.from_jobs(tmp_path / "other.csv", [], SHARED, "ml.c5.xlarge", 60)


@pytest.mark.parametrize(("name", "cores", "rounds"), [("2*6", 1, 4), ("2*6", 3, 2), ("2*6", 8, 1), ("1*512", 8, 0.5)])
def test_trials_share_the_cores(monkeypatch, name, cores, rounds):
    together = []

    def measure(architecture, config, count):
        together.append(count)
        return 2.0, count

    monkeypatch.setattr("psa_resmlp.sagemaker.timing.measure", measure)
    cell = Cell(parse(name), "none")
    found = timing.from_here([cell], SHARED, cores)
    assert found.seconds[cell] == 50 * rounds * 2.0
    assert together == [-(-4 // cores)]
