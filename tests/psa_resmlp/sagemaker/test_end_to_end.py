"""The whole way on digits: jobs started, run as SageMaker runs them, and the same tables as training here gives."""

import json
from pathlib import Path

import container
import pytest

from common.runs import load_run
from common.runs.origin import git_version
from psa_resmlp.study.architectures import parse
from psa_resmlp.tables import read_study

RECIPE = ("--dataset", "digits", "--lr", "0.003", "--trials", "2", "--meta-loops", "3", "--seed", "5")


@pytest.fixture
def bounties(here, tmp_path):
    """Bounty and test accuracy of two trials that psa-train trains here."""

    def find(arch, mode):
        name = f"here-{arch}-{mode}".replace("*", "x")
        words = (
            "--arch",
            arch,
            "--ablation-mode",
            mode,
            "--model-dir",
            name,
            "--run-dir",
            f"{name}-run",
            "--threads",
            1,
        )
        here("train", *RECIPE, *words, "--quiet")
        trials = load_run(tmp_path / f"{name}-run").meta["result"]["trials"]
        return [(one["bounty_percent"], one["test_accuracy_percent"]) for one in trials]

    return find


@pytest.mark.slow
def test_jobs_give_the_tables_of_training_here(aws_here, cloud, bounties, tmp_path):
    words = ("--arch", "2*6", "--modes", "none,hidden", *RECIPE)
    aws_here("run", *words, "--capacity", "spot")
    for name in cloud.names():
        log = container.run(cloud, name, tmp_path / name)
        assert cloud.names("Failed") == [], log
    done = aws_here("run", *words, "--wait", "ended")
    assert "0 started, 2 completed" in done.out
    done = aws_here("results_parser")
    assert "2 jobs: 0 without results yet, 0 damaged" in done.out
    study = read_study(tmp_path / "results/psa_sagemaker")
    for mode in ("none", "hidden"):
        found = [(trial.bounty, trial.test_accuracy) for trial in study.trials(parse("2*6"), mode)]
        assert found == bounties("2*6", mode)
    summary = (tmp_path / "results/psa_sagemaker/psa_resmlp_summary.md").read_text()
    assert "Results Shape {2*6} Parameters {4948}\n* None: Mean=" in summary
    here_too = load_run(tmp_path / "results/psa_sagemaker/runs/2x6_hidden")
    assert len(here_too.metrics) == 2 * 3
    assert here_too.config["arch"] == "[2*6]"
    assert here_too.meta["git"] == git_version(Path(__file__).parents[3])


def test_a_job_that_fails_says_why(aws_here, cloud, tmp_path):
    aws_here("run", "--arch", "2*6", "--modes", "none", *RECIPE)
    (name,) = cloud.names()
    cloud.jobs[name].hyper_parameters["lr"] = "-1"
    log = container.run(cloud, name, tmp_path / "ml")
    assert "error: argument --lr: -1 is out of range" in log
    assert (tmp_path / "ml/output/failure").read_text().startswith("the options are wrong")
    done = aws_here("run", "--arch", "2*6", "--modes", "none", *RECIPE, code=1)
    assert "1 failed" in done.out
    assert json.loads(cloud.get(f"{name}/job.json"))["job"] == name
