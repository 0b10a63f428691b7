"""psa-sagemaker-cost-estimator: sums worked out by hand, its files, and what it does when it is not let."""

import csv
import json
import signal
import time

import pytest
from cloud import BUCKET, KEY, PREFIX, REGION, ROLE, SECRET, TOKEN, error, throttle
from waiting import finish, wait_until

from psa_resmlp.sagemaker.cost_tables import COLUMNS
from psa_resmlp.sagemaker.names import Cell
from psa_resmlp.sagemaker.prices import SHIPPED
from psa_resmlp.sagemaker.timing import from_jobs
from psa_resmlp.study.architectures import parse

PRICES = f'[{REGION}]\n"ml.c5.2xlarge" = 0.5\n"ml.m5.large" = 0.1\n'
C5, M5 = "ml.c5.2xlarge", "ml.m5.large"
DONE, FAILED, SPOT, STOPPED, AT_WORK, GONE, OLD, NEVER_RAN = (
    "psa-18x18-none-1a2b3c4d-01",
    "psa-18x18-full-1a2b3c4d-01",
    "psa-1x64-hidden-1a2b3c4d-01",
    "psa-1x64-hidden-1a2b3c4d-02",
    "psa-4x4-2x8-output-1a2b3c4d-01",
    "psa-1x64-decay-1a2b3c4d-01",
    "psa-1x2-dropout-2025-08-04-19-53-35-910",
    "psa-1x8-none-1a2b3c4d-01",
)
OURS = {"family": "resmlp", "trials": "10", "meta-loops": "100"}


@pytest.fixture
def job(cloud):
    """Start a job, with a folder in the bucket."""

    def start(name, kind=C5, count=1, spot=False, hyperparameters=OURS):
        cloud.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=ROLE,
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/{PREFIX}"},
            ResourceConfig={"InstanceType": kind, "InstanceCount": count, "VolumeSizeInGB": 30},
            StoppingCondition={"MaxRuntimeInSeconds": 3600},
            EnableManagedSpotTraining=spot,
            HyperParameters=hyperparameters,
        )
        cloud.put(f"{name}/job.json", "{}")

    return start


@pytest.fixture
def study(cloud, job, tmp_path):
    """Eight jobs, of which six have ended; prices in prices.toml.

    Machine-seconds: 7200 + 3 * 3600 + 2 * 3600 + 1800 on c5 or m5, and 108 of the old one.
    USD: 2 h * 0.5 + 3 * 1 h * 0.1 + 2 * 1 h * 0.5 + 0.5 h * 0.5 + 108 / 3600 h * 0.1 = 2.553.
    """
    (tmp_path / "prices.toml").write_text(PRICES)
    job(DONE)
    cloud.end(DONE, seconds=7200)
    job(FAILED, M5, count=3)
    cloud.end(FAILED, "Failed", seconds=3600)
    job(SPOT, count=2, spot=True)
    cloud.end(SPOT, seconds=10_000, billable=3600)
    job(STOPPED)
    cloud.end(STOPPED, "Stopped", seconds=1800)
    job(AT_WORK, spot=True)
    cloud.put(f"{GONE}/output/output.tar.gz", "x")
    # Strings are JSON there, and nothing names the family.
    job(OLD, M5, spot=True, hyperparameters={"num-runs": "10", "meta-loops": '"100"', "arch": '"[1*2]"'})
    cloud.end(OLD, seconds=1000, billable=108)
    job(NEVER_RAN, "ml.p4d.24xlarge")  # no room for such a machine: nothing is billed, and no price is needed
    cloud.jobs[NEVER_RAN].training_job_status = "Failed"


def _rows(path):
    return {row["job"]: row for row in csv.DictReader(path.read_text().splitlines())}


def _run(aws_here, *words, **options):
    return aws_here("cost_estimator", "--output-dir", "out", *words, **options)


def test_sums_are_those_worked_out_by_hand(aws_here, study, tmp_path):
    lines = _run(aws_here).out.splitlines()
    assert lines[:5] == [
        # 27108 machine-seconds
        f"8 jobs (s3://{BUCKET}/{PREFIX}): 7.53 billable machine hours, 2.55 USD",
        f"on-demand prices of {REGION} from prices.toml; they may be outdated, compare them with AWS's",
        "1 job running, without a price yet",
        f"1 job unknown to SageMaker in {REGION}: {GONE}",
        # 1 - (2 * 3600 + 108) / (2 * 10000 + 1000)
        "2 spot jobs: 65.2% saved (7,308 of 21,000 machine-seconds billed)",
    ]
    table = [line.split() for line in lines[5:]]
    for row in (
        ["Completed", "3", "4.03", "2.00"],
        ["Failed", "2", "3.00", "0.30"],
        ["InProgress", "1", "0.00", "0.00"],
        ["Stopped", "1", "0.50", "0.25"],
        ["Unknown", "1", "0.00", "0.00"],
        ["none", "2", "2.00", "1.00"],
        ["decay", "1", "0.00", "0.00"],
        ["dropout", "1", "0.03", "0.00"],
        ["full", "1", "3.00", "0.30"],
        ["hidden", "2", "2.50", "1.25"],
        ["output", "1", "0.00", "0.00"],
        [C5, "4", "4.50", "2.25"],
        [M5, "2", "3.03", "0.30"],
        ["ml.p4d.24xlarge", "1", "0.00", "0.00"],
    ):
        assert table.count(row) == 1, row
    dearest = table[table.index(["the", "most", "expensive", "architectures"]) + 2 :][:5]
    assert dearest[:3] == [["18*18", "2", "5.00", "1.30"], ["1*64", "3", "2.50", "1.25"], ["1*2", "1", "0.03", "0.00"]]
    longest = table[table.index(["the", "longest", "jobs"]) + 2 :][:6]
    assert [row[0] for row in longest if row] == [SPOT, DONE, FAILED, STOPPED, OLD]
    assert longest[0] == [SPOT, "Completed", "2.78", "1.00"]


def test_a_row_for_every_job(aws_here, study, tmp_path):
    _run(aws_here, "--quiet")
    rows = _rows(tmp_path / "out/cost_report.csv")
    assert list(rows) == sorted([DONE, FAILED, SPOT, STOPPED, AT_WORK, GONE, OLD, NEVER_RAN])
    usd = {name: float(row["usd"]) for name, row in rows.items() if row["usd"]}
    assert usd == {DONE: 1, FAILED: 0.3, SPOT: 1, STOPPED: 0.25, OLD: 0.003, NEVER_RAN: 0}
    shown = COLUMNS[1:8] + COLUMNS[9:11] + COLUMNS[12:]
    assert {name: ",".join(row[column] for column in shown) for name, row in rows.items()} == {
        DONE: "18*18,none,0001,Completed,ml.c5.2xlarge,1,false,7200,7200,resmlp,10,100",
        FAILED: "18*18,full,0001,Failed,ml.m5.large,3,false,3600,3600,resmlp,10,100",
        SPOT: "1*64,hidden,0001,Completed,ml.c5.2xlarge,2,true,10000,3600,resmlp,10,100",
        STOPPED: "1*64,hidden,0002,Stopped,ml.c5.2xlarge,1,false,1800,1800,resmlp,10,100",
        AT_WORK: "4*4,2*8,output,0001,InProgress,ml.c5.2xlarge,1,true,,,resmlp,10,100",
        GONE: "1*64,decay,0001,Unknown,,,,,,,,",
        OLD: "1*2,dropout,2025-08-04-19-53-35-910,Completed,ml.m5.large,1,true,1000,108,mlp,10,100",
        NEVER_RAN: "1*8,none,0001,Failed,ml.p4d.24xlarge,1,false,,,resmlp,10,100",
    }
    assert all(row["created"].endswith("+00:00") == (name != GONE) for name, row in rows.items())


def test_json_holds_the_sums_without_rounding(aws_here, study, tmp_path):
    _run(aws_here)
    found = json.loads((tmp_path / "out/cost_report.json").read_text())
    assert found["total"] == {"jobs": 8, "billable_hours": 27_108 / 3600, "usd": 2.553}
    assert found["usd_per_hour"] == {C5: 0.5, M5: 0.1}
    assert (found["region"], found["price_file"]) == (REGION, "prices.toml")
    assert found["instance_type"][M5] == {"jobs": 2, "billable_hours": 10_908 / 3600, "usd": 0.303}
    assert found["architecture"]["18*18"] == {"jobs": 2, "billable_hours": 5, "usd": 1.3}
    assert found["mode"]["hidden"] == {"jobs": 2, "billable_hours": 2.5, "usd": 1.25}
    assert found["status"]["Failed"] == {"jobs": 2, "billable_hours": 3, "usd": 0.3}
    assert found["spot"]["saving"] == 1 - 7308 / 21_000
    assert (found["running"], found["unknown"]) == ([AT_WORK], [GONE])


def test_a_stopping_job_has_no_price_even_if_seconds_are_told(aws_here, study, cloud, tmp_path):
    cloud.end(DONE, "Stopping", seconds=7200)
    assert "2 jobs running, without a price yet" in _run(aws_here).out
    assert json.loads((tmp_path / "out/cost_report.json").read_text())["total"]["usd"] == 1.553
    row = _rows(tmp_path / "out/cost_report.csv")[DONE]
    assert (row["usd"], row["billable_seconds"]) == ("", "")


def test_a_list_of_jobs_needs_no_bucket(aws_here, study, cloud, tmp_path):
    (tmp_path / "jobs.txt").write_text(f"{STOPPED}\n{FAILED}\n")
    cloud.requests.clear()
    out = _run(aws_here, "--jobs-file", "jobs.txt", S3_BUCKET_NAME="").out
    assert out.startswith("2 jobs (jobs.txt): 3.50 billable machine hours, 0.55 USD\n")
    assert set(cloud.requests) == {"DescribeTrainingJob"}
    assert "spot" not in out


def test_many_small_prices_sum_without_error(aws_here, job, cloud, tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES)
    names = [f"psa-1x{width}-none-1a2b3c4d-01" for width in range(1, 31)]
    for name in names:
        job(name, M5)
        cloud.end(name, seconds=3600)
    _run(aws_here)
    found = json.loads((tmp_path / "out/cost_report.json").read_text())
    assert found["total"]["usd"] == 3  # thirty times 0.1, which sums to 3.0000000000000013 in floating point


def test_timings_for_a_dry_run_come_from_the_file(aws_here, job, cloud, tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES)
    for width in (8, 64, 512):
        name = f"psa-1x{width}-none-1a2b3c4d-01"
        job(name, hyperparameters={**OURS, "trials": "5", "meta-loops": "20"})
        cloud.end(name, seconds=240 + 100 * width)
    job(GONE)
    cloud.end(GONE, "Failed", seconds=9000)
    _run(aws_here)
    cells = [Cell(parse(f"1*{width}"), "full") for width in (8, 64, 512)]
    shared = {"family": "resmlp", "trials": 10, "meta_loops": 100}
    found = from_jobs(tmp_path / "out/cost_report.csv", cells, shared, C5, 240.0)
    assert list(found.seconds.values()) == pytest.approx([8000, 64_000, 512_000])  # ten times as many loops


def test_a_missing_price_is_named_before_anything_is_written(aws_here, study, tmp_path):
    (tmp_path / "prices.toml").write_text(PRICES.replace(M5, "ml.m5.xlarge"))
    done = _run(aws_here, code=2)
    wanted = f'error: prices.toml has no "{M5}" = NUMBER below [{REGION}]; add it, or name an edited copy with --prices'
    assert done.err.startswith(wanted)
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert list(tmp_path.glob("out/*")) == []


def test_wrong_prices_and_folders_end_it_before_jobs_are_looked_up(aws_here, study, cloud, tmp_path):
    (tmp_path / "bad.toml").write_text("price = 1")
    (tmp_path / "out").write_text("a file")
    cloud.requests.clear()
    done = aws_here("cost_estimator", "--prices", "bad.toml", code=2)
    assert done.err.startswith("error: price file bad.toml: [price] must hold numbers")
    assert cloud.requests == []
    assert _run(aws_here, code=2).err == "error: folder for reports out: is a file; name another with --output-dir\n"
    assert cloud.count("DescribeTrainingJob") == 0


def test_write_prices_copies_the_shipped_file_and_asks_nobody(here, tmp_path, monkeypatch):
    monkeypatch.setenv("S3_BUCKET_NAME", "NO BUCKET")  # whatever the settings are
    done = here("sagemaker.cost_estimator", "--write-prices", "mine.toml")
    assert done.out == "written mine.toml; edit it, and name it with --prices\n"
    assert (tmp_path / "mine.toml").read_bytes() == SHIPPED.read_bytes()
    again = here("sagemaker.cost_estimator", "--write-prices", "mine.toml", code=2)
    assert again.err == "error: mine.toml exists already; name a new file\n"


@pytest.mark.slow
def test_throttled_lookups_are_repeated(aws_here, study, cloud, tmp_path):
    calm = _run(aws_here).out
    cloud.faults.append(throttle(2))
    cloud.requests.clear()
    assert _run(aws_here).out == calm
    assert cloud.count("DescribeTrainingJob") >= 15


def test_a_service_error_is_no_unknown_job(aws_here, study, cloud, tmp_path):
    body = error("ValidationException", f"1 validation error in {KEY} {SECRET} {TOKEN}")
    cloud.faults.append(lambda name, _: (400, body) if name == "DescribeTrainingJob" else None)
    done = _run(aws_here, code=1)
    assert (
        done.err == "error: AWS refused DescribeTrainingJob: ValidationException: 1 validation error in *** *** ***\n"
    )
    cloud.faults[:] = [lambda name, _: (400, error("ResourceNotFound", "x")) if name == "DescribeTrainingJob" else None]
    assert f"8 jobs unknown to SageMaker in {REGION}: " in _run(aws_here).out


def test_a_refusal_ends_it_without_asking_for_the_other_jobs(aws_here, cloud, tmp_path):
    (tmp_path / "jobs.txt").write_text("".join(f"psa-1x{width}-none-1a2b3c4d-01\n" for width in range(1, 601)))
    body = error("AccessDeniedException", "no")
    cloud.faults.append(lambda name, _: (400, body) if name == "DescribeTrainingJob" else None)
    done = _run(aws_here, "--jobs-file", "jobs.txt", code=2)
    assert (
        done.err == "error: access denied; the policy of these credentials must allow "
        "sagemaker:DescribeTrainingJob here\n"
    )
    time.sleep(1)  # for threads that would go on
    assert cloud.count("DescribeTrainingJob") < 200


def test_ctrl_c_ends_soon_with_one_line(study, cloud, start, tmp_path):
    body = error("ThrottlingException", "Rate exceeded")
    cloud.faults.append(lambda name, _: (400, body) if name == "DescribeTrainingJob" else None)
    process = start("psa_resmlp.sagemaker.cost_estimator", "--output-dir", "out", **cloud.env)
    wait_until(lambda: cloud.count("DescribeTrainingJob") >= 8, process)
    asked = cloud.count("DescribeTrainingJob")
    process.send_signal(signal.SIGINT)
    out, err = finish(process, 130)
    assert err == "psa-sagemaker-cost-estimator: interrupted by SIGINT; start again to go on\n"
    assert out == ""
    assert list(tmp_path.glob("out/*")) == []
    assert cloud.count("DescribeTrainingJob") <= asked + 8  # attempts that were on their way


def test_as_a_process(aws, study, cloud, tmp_path):
    assert "8 jobs" in aws("cost_estimator").out
    message = f"The key {KEY} {SECRET} {TOKEN} is not good"
    for operation, status, body, line in (
        ("DescribeTrainingJob", 400, error("UnrecognizedClientException", message), "AWS does not accept the cred"),
        ("DescribeTrainingJob", 400, error("AccessDeniedException", message), "access denied; the policy of these"),
        ("S3.HEAD", 403, b"", "access denied; the policy of these credentials must allow s3:ListBucket here"),
    ):
        cloud.faults[:] = [lambda name, _, o=operation, s=status, b=body: (s, b) if name == o else None]
        done = aws("cost_estimator", "--output-dir", "out", code=2)
        assert done.err.startswith(f"error: {line}")
        assert done.err.count("\n") == 1
        assert list(tmp_path.glob("out/*")) == []
        written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
        assert not any(secret in done.out + done.err + written for secret in (KEY, SECRET, TOKEN))
