"""All commands one after another on moto inside this process, whose jobs complete at once."""

import time

import boto3
import pytest
from cloud import BUCKET, GROUP, PREFIX, REGION, ROLE
from container import archive
from moto import mock_aws

from psa_resmlp.study.architectures import parse
from psa_resmlp.tables import read_study

SETTINGS = {"AWS_REGION": REGION, "S3_BUCKET_NAME": BUCKET, "S3_PREFIX": PREFIX, "AWS_SAGEMAKER_ROLE": ROLE}
SMALL = ("--arch", "2*6", "--modes", "none,full", "--dataset", "digits", "--meta-loops", "2", "--trials", "1")


@pytest.fixture
def mock(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield {name: boto3.client(name, region_name=REGION) for name in ("s3", "sagemaker", "logs")}


def test_the_whole_way(mock, here, tmp_path):
    mock["s3"].create_bucket(Bucket=BUCKET)
    mock["logs"].create_log_group(logGroupName=GROUP)
    done = here("sagemaker.run", *SMALL, "--wait", "ended")
    assert "2 started, 2 completed" in done.out
    names = [line.split()[1] for line in done.out.splitlines() if line.startswith("started ")]
    for place, name in enumerate(names):
        found = archive({"comprehensive_results.json": f'[{{"bounty": {90 + place}, "final_test_accuracy": 89.5}}]'})
        mock["s3"].put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}/output/output.tar.gz", Body=found)
        stream = {"logGroupName": GROUP, "logStreamName": f"{name}/algo-1-1"}
        mock["logs"].create_log_stream(**stream)
        line = f"meta-loop 1 trial 1 {name.split('-')[2]}: loss 1.0, validation 90.00%, bounty 90.00%, kept, 0.1 s"
        event = {"timestamp": int(1000 * time.time()), "message": line}
        mock["logs"].put_log_events(**stream, logEvents=[event])
    assert "0 started, 2 completed" in here("sagemaker.run", *SMALL).out
    assert "2 jobs: 0 without results yet" in here("sagemaker.results_parser").out
    assert read_study(tmp_path / "results/psa_sagemaker").values(parse("2*6"), "full") == [91.0]
    assert "2 jobs: 2 fetched" in here("sagemaker.get_training_logs").out
    assert "2 trials of 2 architectures and modes" in here("sagemaker.logs_parser").out
    assert "2 jobs (s3://" in here("sagemaker.cost_estimator").out
    assert "results" in here("sagemaker.estimate_storage").out
    assert "2 jobs in s3://" in here("sagemaker.reconstruct_jobs").out
    assert '"2*6",unknown' in here("regimes", "--csv").out  # the table is found where the results parser has put it
    _published_names(here, tmp_path / "results/psa_sagemaker/requested-jobs.txt")


def _published_names(here, jobs):
    modes = ("--ablation-modes", "none", "full")
    words = [word for word in SMALL if word not in ("--modes", "none,full")]
    assert "0 started, 2 completed" in here("sagemaker.run", *words, *modes).out
    assert "'half' is not one of" in here("sagemaker.run", *words, "--ablation-modes", "half", code=2).err
    jobs.unlink()
    assert "2 jobs: 0 fetched, 2 already here" in here("sagemaker.get_training_logs", "--reconstruct-jobs").out
    names = jobs.read_text().split()
    assert len(names) == 2
    both = ("--reconstruct-jobs", "--jobs-file", jobs)
    assert "give one of them" in here("sagemaker.get_training_logs", *both, code=2).err
    jobs.write_text(names[0])
    whole, part = here("sagemaker.estimate_storage").out, here("sagemaker.estimate_storage", "--jobs-file", jobs).out
    assert ("2 jobs with" in whole, "1 job with" in part) == (True, True)
    here("sagemaker.cost_estimator", "--output-file", "costs/report.csv")
    assert (jobs.parents[2] / "costs/report.csv").read_text() == (jobs.parent / "cost_report.csv").read_text()
