"""psa-sagemaker-run: what starts, what never starts twice, limits, throttling, Ctrl-C, and the price beforehand."""

import copy
import json
import signal
import threading

import cloud as clouds
import pytest
from cloud import BUCKET, PREFIX, ROLE, throttle
from waiting import finish, wait_until

from psa_resmlp.sagemaker.names import parse_job_name

SMALL = ("--arch", "2*6,1*5", "--modes", "none,full", "--dataset", "digits", "--meta-loops", "3", "--trials", "2")


def started(done):
    return [line.split()[1] for line in done.out.splitlines() if line.startswith("started ")]


def test_a_job_for_every_architecture_and_mode(aws_here, cloud):
    done = aws_here("run", *SMALL)
    names = [parse_job_name(name) for name in started(done)]
    assert [f"{name.cell.folder}_{name.order}" for name in names] == [
        "2x6_none_0001", "2x6_full_0001", "1x5_none_0001", "1x5_full_0001",
    ]  # fmt: skip
    assert "4 started, 0 completed" in done.out
    assert [name.text for name in names] == cloud.names("InProgress")
    job = cloud.jobs[names[1].text]
    assert job.role_arn == ROLE
    assert job.hyper_parameters == {
        "arch": "[2*6]", "ablation-mode": "full", "trials": "2", "meta-loops": "3", "seed": "0", "family": "resmlp",
        "lr": "0.0001", "batch-size": "256", "weight-decay": "0.0001", "dropout": "0.1", "dataset": "digits",
    }  # fmt: skip
    assert job.resource_config == {"InstanceType": "ml.c5.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    assert job.stopping_condition == {"MaxRuntimeInSeconds": 172800}
    assert not job.enable_managed_spot_training
    assert job.output_data_config == {"S3OutputPath": f"s3://{BUCKET}/{PREFIX}"}
    assert job.checkpoint_config["S3Uri"] == f"s3://{BUCKET}/{PREFIX}/checkpoints/2x6_full"
    assert json.loads(cloud.get(f"{names[1].text}/job.json"))["request"]["TrainingJobName"] == names[1].text
    assert json.loads(cloud.get("study.json"))["settings"]["trials"] == 2


def test_settings_come_from_options_the_environment_and_the_file(aws_here, cloud, tmp_path, monkeypatch):
    for name in ("INSTANCE_TYPE", "USE_SPOT_INSTANCES", "MAX_RUN_SECONDS", "TRAINING_IMAGE", "VOLUME_SIZE_GB"):
        monkeypatch.delenv(name, raising=False)
    for name in ("USE_SPOT_INSTANCES", "MAX_RUN_SECONDS", "TRAINING_IMAGE", "VOLUME_SIZE_GB"):
        monkeypatch.setenv(name, "")  # so that what the file sets is taken back at the end
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(
        "USE_SPOT_INSTANCES=true\nMAX_RUN_SECONDS=3600\nTRAINING_IMAGE=my/image:1\nINSTANCE_TYPE=ml.m5.large\n"
        "VOLUME_SIZE_GB=50\nthis line is no setting\n"
    )
    aws_here("run", *SMALL, "--volume-gb", "40", INSTANCE_TYPE="ml.g4dn.xlarge")
    job = cloud.jobs[cloud.names()[0]]
    assert job.enable_managed_spot_training
    assert job.stopping_condition == {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3600 + 86400}
    assert job.resource_config == {"InstanceType": "ml.g4dn.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 40}
    assert job.algorithm_specification["TrainingImage"] == "my/image:1"


def test_images_of_aws_follow_region_and_machine():
    from psa_resmlp.sagemaker.request import default_image

    assert default_image("eu-west-1", "amazonaws.com", "ml.c5.2xlarge").endswith(
        ":2.8.0-cpu-py312-ubuntu22.04-sagemaker"
    )
    found = default_image("cn-north-1", "amazonaws.com.cn", "ml.g5.xlarge")
    assert ".dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch-training:2.8.0-gpu-py312-" in found


def test_nothing_that_runs_or_has_completed_is_started_again(aws_here, cloud):
    names = started(aws_here("run", *SMALL))
    done = aws_here("run", *SMALL)
    assert "0 started, 0 completed, 4 already running" in done.out
    cloud.end(names[0])
    cloud.end(names[1], "Failed")
    cloud.end(names[2], "Stopped")
    cloud.jobs[names[3]].training_job_status = "Stopping"
    done = aws_here("run", *SMALL, code=1)
    again = [name.replace("-01", "-02") for name in names]
    assert started(done) == [again[2]]
    assert "1 started, 1 completed, 1 already running, 1 failed" in done.out
    assert started(aws_here("run", *SMALL, "--retry-failed")) == [again[1]]
    cloud.end(again[1])
    cloud.end(again[2])
    cloud.end(names[3])
    done = aws_here("run", *SMALL, "--retry-failed")
    assert started(done) == []
    assert "0 started, 4 completed" in done.out
    checkpoints = {cloud.jobs[name].checkpoint_config["S3Uri"] for name in (names[1], again[1])}
    assert len(checkpoints) == 1
    assert cloud.count("CreateTrainingJob") == 6


def test_two_launchers_at_once_start_every_job_once(aws, cloud):
    found = []
    threads = [threading.Thread(target=lambda: found.append(aws("run", *SMALL))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started(found[0]) + started(found[1])) == sorted(cloud.names())
    assert len(cloud.names()) == 4


def test_a_prefix_that_another_launcher_has_just_taken_is_no_foreign_one(aws_here, cloud):
    aws_here("run", *SMALL)
    late = []

    def not_there_yet(operation, environ):
        if operation == "S3.GET" and "study.json" in environ["PATH_INFO"] and not late:
            late.append(True)
            return 404, clouds.s3_error("NoSuchKey", "The specified key does not exist.")
        return None

    cloud.faults.append(not_there_yet)
    assert "0 started, 0 completed, 4 already running" in aws_here("run", *SMALL).out


def test_a_job_that_another_launcher_has_just_started_counts_as_started(aws_here, cloud):
    names = started(aws_here("run", *SMALL, "--max-jobs", "1", "--wait", "none", code=1))
    assert len(names) == 1
    listed = []

    def stale(operation, environ):  # the list was read before the other launcher came
        listed.append(operation)
        return (200, b'{"TrainingJobSummaries": []}') if operation == "ListTrainingJobs" else None

    cloud.faults.append(stale)
    done = aws_here("run", *SMALL)
    assert "3 started, 1 started by another launcher, 0 completed" in done.out
    assert len(cloud.names()) == 4


def test_the_limit_of_the_account_loses_no_job(aws_here, cloud):
    cloud.limit = 1
    ending = threading.Event()

    def end():
        while not ending.wait(0.05):
            for name in cloud.names("InProgress"):
                cloud.end(name)

    thread = threading.Thread(target=end)
    thread.start()
    try:
        done = aws_here("run", *SMALL, "--poll-seconds", "0.05", "--wait", "ended")
    finally:
        ending.set()
        thread.join()
    assert "4 started, 4 completed" in done.out
    assert done.out.count("no room: The account-level service limit is 2") == 1
    assert len(cloud.names("Completed")) == 4


def test_an_account_that_may_run_no_such_machine_is_told_and_not_waited_for(aws_here, cloud):
    limit = "The account-level service limit 'ml.c5.2xlarge for spot training job usage' is 0 Instances, with current"
    body = clouds.error("ResourceLimitExceeded", limit)
    cloud.faults.append(lambda name, _: (400, body) if name == "CreateTrainingJob" else None)
    done = aws_here("run", *SMALL, "--capacity", "spot", code=2)
    assert 'limit of "ml.c5.2xlarge for spot training job usage" is 0; ask for more' in done.err
    assert done.err.count("\n") == 1


def test_jobs_that_stop_meanwhile_are_told_and_go_on(aws_here, cloud):
    names = started(aws_here("run", *SMALL))
    cloud.end(names[0])
    cloud.end(names[3], "Failed")
    looks = []

    def end(operation, environ):  # once the command has begun to watch
        looks.append(operation)
        if looks.count("ListTrainingJobs") == 3:
            cloud.end(names[1], "Stopped")
            cloud.end(names[2])

    cloud.faults.append(end)
    done = aws_here("run", *SMALL, "--wait", "ended", "--poll-seconds", "0.05", code=1)
    assert "0 started, 2 completed, 1 failed, 1 stopped" in done.out
    assert "the same command goes on with stopped jobs" in done.out
    assert started(aws_here("run", *SMALL, code=1)) == [names[1].replace("-01", "-02")]


def test_without_waiting_what_finds_no_room_is_named_and_starts_later(aws_here, cloud):
    cloud.limit = 3
    done = aws_here("run", *SMALL, "--wait", "none", code=1)
    assert "3 started, 0 completed, 0 already running, 1 not started, as no machine is free" in done.out
    cloud.limit = None
    assert len(started(aws_here("run", *SMALL, "--wait", "none"))) == 1
    cloud.limit = 10
    assert "0 started" in aws_here("run", *SMALL, "--max-jobs", "2", "--wait", "none").out


def test_force_rerun_trains_anew_beside_the_old_results(aws_here, cloud):
    names = started(aws_here("run", *SMALL))
    for name in names:
        cloud.end(name)
    before = cloud.paths()
    done = aws_here("run", *SMALL, "--force-rerun")
    assert f"to go on there: --prefix {PREFIX}-rerun-2" in done.out
    assert len(started(done)) == 4
    assert not set(started(done)) & set(names)
    assert [key for key in cloud.paths() if key.startswith(f"{PREFIX}/")] == before
    assert cloud.jobs[started(done)[0]].checkpoint_config["S3Uri"].startswith(f"s3://{BUCKET}/{PREFIX}-rerun-2/")
    cloud.put("notes.txt", "somebody's", prefix=f"{PREFIX}-rerun-3")
    assert f"--prefix {PREFIX}-rerun-4" in aws_here("run", *SMALL, "--force-rerun").out
    again = aws_here("run", *SMALL, "--prefix", f"{PREFIX}-rerun-2")
    assert "0 started, 0 completed, 4 already running" in again.out
    assert f"--prefix {PREFIX}-rerun-5" in aws_here("run", *SMALL, "--prefix", f"{PREFIX}-rerun-2", "--force-rerun").out


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (("--trials", "3"), "with --trials 2, not 3"),
        (("--compat", "adamw-decay"), "with --compat none, not adamw-decay"),
        (("--lr", "0.1"), "with --lr 0.0001, not 0.1"),
    ],
)
def test_a_prefix_belongs_to_one_study(aws_here, cloud, words, holds):
    aws_here("run", *SMALL)
    for dry in ((), ("--dry-run",)):
        done = aws_here("run", *SMALL, *words, *dry, code=2)
        assert holds in done.err
        assert "another --prefix" in done.err
    assert len(cloud.names()) == 4
    assert "2 started" in aws_here("run", *SMALL, "--arch", "3*3").out  # more architectures are the same study


def test_a_prefix_with_other_things_is_left_alone(aws_here, cloud):
    cloud.put("psa-18x18-none-2025-08-04-19-53-35-910/output/model.tar.gz", "theirs")
    done = aws_here("run", *SMALL, code=2)
    assert "holds objects but no study.json" in done.err
    assert cloud.names() == []
    cloud.put("study.json", "{")
    assert "damaged" in aws_here("run", *SMALL, code=2).err


def test_quiet_prints_nothing(aws_here, cloud):
    done = aws_here("run", *SMALL, "--quiet")
    assert done.out + done.err == ""
    assert len(cloud.names()) == 4


@pytest.mark.slow
def test_throttling_costs_time_and_nothing_else(aws_here, cloud):
    cloud.faults.append(throttle(2))
    done = aws_here("run", *SMALL)
    assert len(started(done)) == 4
    assert len(cloud.names()) == 4


def test_ctrl_c_while_waiting_leaves_the_jobs_and_goes_on(aws_here, cloud, start):
    cloud.limit = 2
    words = ("-m", "psa_resmlp.sagemaker.run", *SMALL)
    process = start(words[1], *words[2:], **cloud.env)
    wait_until(lambda: len(cloud.names()) >= 2 and cloud.count("CreateTrainingJob") >= 3, process)
    process.send_signal(signal.SIGINT)
    _, err = finish(process, 130)
    assert err.count("\n") == 1
    assert "2 jobs were started, and running jobs go on" in err
    assert len(cloud.names("InProgress")) == 2
    cloud.limit = None
    assert len(started(aws_here("run", *SMALL))) == 2


def test_ctrl_c_while_throttled_ends_before_the_next_attempt(cloud, start):
    body = clouds.error("ThrottlingException", "Rate exceeded")
    cloud.faults.append(lambda name, _: (400, body) if name == "CreateTrainingJob" else None)
    process = start("psa_resmlp.sagemaker.run", *SMALL, **cloud.env)
    wait_until(lambda: cloud.count("CreateTrainingJob"))
    process.send_signal(signal.SIGINT)
    _, err = finish(process, 130)
    assert err.startswith("psa-sagemaker-run: interrupted by SIGINT; 0 jobs were started, and running jobs go on")
    assert err.count("\n") == 1
    assert cloud.count("CreateTrainingJob") <= 2  # one may have been on its way


def test_1200_jobs_are_listed_in_pages(aws_here, cloud):
    names = started(aws_here("run", *SMALL))
    template = cloud.jobs[names[0]]
    study = parse_job_name(names[0]).study
    for place in range(1200):
        job = copy.copy(template)
        job.training_job_name, job.training_job_status = f"psa-{place + 10}x7-none-{study}-01", "Completed"
        cloud.jobs[job.training_job_name] = job
    shapes = ",".join(f"{place + 10}*7" for place in range(1200))
    done = aws_here("run", *SMALL, "--arch", shapes, "--modes", "none")
    assert "0 started, 1200 completed" in done.out
    assert cloud.count("ListTrainingJobs") >= 13


def test_mnist_is_uploaded_once(aws_here, cloud, mnist_root):
    words = ("--arch", "1*2", "--modes", "none", "--data-root", mnist_root)
    (name,) = started(aws_here("run", *words))
    files = {path.name: path.read_bytes() for path in (mnist_root / "MNIST/raw").iterdir()}
    sent = [key for key in cloud.paths() if "/data/MNIST/raw/" in key]
    assert len(sent) == 4
    for key in sent:
        assert cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == files[key.rpartition("/")[2]]
    channels = {one["ChannelName"]: one for one in cloud.jobs[name].input_data_config}
    assert channels["training"]["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{BUCKET}/{PREFIX}/data/"
    uploads = cloud.count("S3.PUT") + cloud.count("S3.POST")
    aws_here("run", *words, "--modes", "full", "--arch", "1*2")
    assert cloud.count("S3.PUT") + cloud.count("S3.POST") - uploads <= 3  # job.json, and two attempts at the code


class TestDryRun:
    def test_lists_jobs_hours_and_price_and_starts_nothing(self, aws_here, cloud, tmp_path):
        cloud.end(started(aws_here("run", *SMALL, "--modes", "none", "--arch", "2*6"))[0])
        keys = cloud.paths()
        (tmp_path / "mine.toml").write_text(
            '[us-east-1]\n"ml.c5.2xlarge" = 36.0\n[cores]\n"ml.c5.2xlarge" = 1\n[overhead]\nseconds = 3600\n'
        )
        done = aws_here("run", *SMALL, "--dry-run", "--prices", "mine.toml", "--capacity", "spot")
        lines = done.out.splitlines()
        assert lines[0].startswith("4 jobs of 2 trials, 3 to start now (in s3://")
        assert lines[1].endswith("-01: completed")
        for line in lines[2:5]:
            hours, dollars = (float(part.split()[0]) for part in line.partition(": ")[2].split(", "))
            assert 1.0 <= hours < 1.2
            assert dollars == pytest.approx(36 * hours, abs=0.2)
        assert "prices from mine.toml: ml.c5.2xlarge 36 USD an hour in us-east-1" in done.out
        assert "at most: spot machines are billed fewer seconds" in lines[-1]
        assert cloud.paths() == keys
        assert len(cloud.names()) == 1

    def test_reckons_from_jobs_that_ended_and_names_what_takes_too_long(self, aws_here, cloud, tmp_path):
        arch = ("--arch", "2*6,1*5,3*9,8*8", "--dataset", "digits", "--meta-loops", "10", "--trials", "2")
        names = started(aws_here("run", *arch, "--modes", "none"))
        for name in names:
            cloud.end(name, seconds=240 + 7200)
        aws_here("cost_estimator")
        words = ("--timings", "results/psa_sagemaker/cost_report.csv", "--max-run-seconds", "7300")
        done = aws_here("run", *arch, "--dry-run", "--modes", "none,full", *words)
        due = [line for line in done.out.splitlines() if "-full-" in line]
        assert len(due) == 4
        assert all(line.endswith(": 2.07 h, 0.84 USD, longer than --max-run-seconds") for line in due)
        assert "4 jobs would reach --max-run-seconds and need this command again to go on" in done.out
        assert "about 8.267 hours, 3.37 USD" in done.out
        assert "jobs that ended on ml.c5.2xlarge (4 architectures in results" in done.out

    def test_needs_no_account(self, here, monkeypatch):
        for name in clouds.Cloud.__dict__["env"].fget(type("Nowhere", (), {"url": ""})):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        done = here("sagemaker.run", *SMALL, "--dry-run")
        assert "4 to start now (not compared with existing jobs: no bucket is named)" in done.out
        done = here("sagemaker.run", *SMALL, "--dry-run", "--bucket", "some-bucket", "--region", "us-east-1")
        assert "no AWS credentials found" in done.out

    def test_prices_come_from_the_file_only(self, aws_here, cloud):
        done = aws_here("run", *SMALL, "--dry-run", "--instance-type", "ml.x9.large", code=2)
        assert '"ml.x9.large" = NUMBER below [us-east-1]' in done.err


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        (("--role", "admin"), "not the ARN of a role"),
        (("--bucket", "Not_A_Bucket"), "not a bucket name"),
        (("--prefix", "/a//b/"), "not a folder name"),
        (("--instance-type", "c5.large"), "not like SageMaker's"),
        (("--max-run-seconds", "3600", "--max-wait-seconds", "60"), "below max-run-seconds"),
        (("--modes", "nonsense"), "not one of"),
        (("--arch", "x"), "cannot be read"),
        (("--arch", "1*2", "--config-file", "few.txt"), "give one of them"),
        (("--capacity", "cheap"), "not one of"),
        (("--env-file", "none.env"), "does not exist"),
        (("--compat", "block-dropout", "--family", "mlp"), "is for the family resmlp"),
        (("--arch", "1*2"), None),
    ],
)
def test_wrong_options_end_in_one_line_before_any_work(aws_here, cloud, words, holds):
    extra = {} if holds else {"MAX_RUN_SECONDS": "soon"}
    done = aws_here("run", *words, code=2, **extra)
    assert (holds or "$MAX_RUN_SECONDS is 'soon'") in done.err
    assert done.err.count("\n") == 1
    assert cloud.requests == []


def test_a_role_of_another_account_and_missing_settings(aws_here, cloud):
    assert "not in the account" in aws_here("run", *SMALL, code=2, AWS_ACCOUNT_ID="999999999999").err
    done = aws_here("run", *SMALL, code=2, AWS_ACCOUNT_ID="", AWS_SAGEMAKER_ROLE="")
    assert "no role; give --role, or set AWS_SAGEMAKER_ROLE in .env" in done.err
    assert "no bucket; give --bucket" in aws_here("run", *SMALL, code=2, S3_BUCKET_NAME="").err
