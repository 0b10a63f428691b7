import copy
import csv
import json
import os
import signal
import time

import pytest
from cloud import BUCKET, GROUP, KEY, PREFIX, REGION, ROLE, SECRET, error, throttle
from moto.backends import get_backend

from common.runs.files import temporary
from psa_resmlp.study.modes import MODE_NAMES

COMMAND = "get_training_logs"
LOGS = "results/psa_sagemaker/logs"
NOON = 1_796_040_000_123  # 2026-11-30T12:00:00.123Z


def name(attempt, cell="18x18-hidden"):
    return f"psa-{cell}-3f0c2a91-{attempt:02d}"


@pytest.fixture
def job(cloud):
    """Put a job with a log into the cloud: a folder in the bucket, SageMaker's record, and events by stream."""

    def put(text, streams, status="Completed"):
        cloud.put(f"{text}/job.json", "{}")
        if status is not None:
            record(cloud, text)
            if status != "InProgress":
                cloud.end(text, status)
        for number, messages in streams.items():
            write(cloud, f"{text}/algo-1-{number}", messages)
        return text

    return put


def record(cloud, text):
    """SageMaker's record of a job; the first is made by the service, others are copies."""
    if not cloud.jobs:
        cloud.sagemaker.create_training_job(
            TrainingJobName=text,
            RoleArn=ROLE,
            AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
            OutputDataConfig={"S3OutputPath": "s3://bucket"},
            ResourceConfig={"InstanceType": "ml.c5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        )
        return
    one = cloud.jobs[text] = copy.copy(next(iter(cloud.jobs.values())))
    one.training_job_name, one.training_job_status = text, "InProgress"


def write(cloud, stream, messages, first=NOON):
    """Events a millisecond apart, straight into the service."""
    group = get_backend("logs")["123456789012"][REGION].groups[GROUP]
    if stream not in group.streams:
        group.create_log_stream(stream)
    events = [{"timestamp": first + place, "message": text} for place, text in enumerate(messages)]
    group.streams[stream].put_log_events(events)


def text_of(tmp_path, *parts):
    return tmp_path.joinpath(LOGS, *parts).read_text()


def last_line(done):
    return done.out.splitlines()[-1]


def test_logs_of_all_streams_are_fetched(aws_here, cloud, job, tmp_path):
    one = job(name(1), {1700000001: ["begin", "Traceback:\n  File\nEnd\n"], 1700000777: ["again"]})
    other = job(name(1, "1x64-none"), {1700000002: ["hello"]}, status="Failed")
    job("psa-1x8-none-00000000-01", {5: ["another study's"]})
    cloud.put("study.json", json.dumps({"format": "psa_resmlp sagemaker 1", "id": "3f0c2a91", "settings": {}}))
    done = aws_here(COMMAND)
    assert last_line(done) == "2 jobs: 2 fetched, 0 already here, 0 without a log"
    begin = "[2026-11-30T12:00:00.123+00:00] begin\n[2026-11-30T12:00:00.124+00:00] Traceback:\n  File\nEnd\n"
    assert text_of(tmp_path, one, "algo-1-1700000001.log") == begin
    assert text_of(tmp_path, one, "algo-1-1700000777.log") == "[2026-11-30T12:00:00.123+00:00] again\n"
    facts = json.loads(text_of(tmp_path, one, "summary.json"))
    sizes = [(file["name"], file["bytes"], file["lines"]) for file in facts["files"]]
    assert sizes == [("algo-1-1700000001.log", len(begin), 4), ("algo-1-1700000777.log", 38, 1)]
    assert (facts["job"], facts["status"], facts["complete"]) == (one, "Completed", True)
    assert json.loads(text_of(tmp_path, other, "summary.json"))["status"] == "Failed"
    assert json.loads(text_of(tmp_path, "download_summary.json"))["fetched"] == [one, other]
    assert not (tmp_path / LOGS / "psa-1x8-none-00000000-01").exists()


def test_a_stream_goes_on_after_an_empty_page(aws_here, cloud, job, tmp_path):
    one = job(name(1), {1: [f"event {number}" for number in range(25_000)]})
    asked = []

    def empty(operation, environ):
        """The second page is empty, and its token leads on; the others are moto's, of 10,000 events."""
        if operation != "GetLogEvents":
            return None
        asked.append(operation)
        if len(asked) != 2:
            return None
        token = f"f/{9_999:055d}"  # the place of the page before, as another text
        return 200, json.dumps({"events": [], "nextForwardToken": token, "nextBackwardToken": "b/0"}).encode()

    cloud.faults.append(empty)
    aws_here(COMMAND)
    lines = text_of(tmp_path, one, "algo-1-1.log").splitlines()
    assert len(lines) == 25_000
    assert lines[-1].endswith("] event 24999")
    assert len(asked) == 5  # three pages, an empty one, and one whose token repeats


def test_many_streams_of_a_job_come_in_pages(aws_here, cloud, job, tmp_path):
    one = job(name(1), {number: [f"stream {number}"] for number in range(60)})
    aws_here(COMMAND)
    assert len(list((tmp_path / LOGS / one).glob("*.log"))) == 60
    assert cloud.count("DescribeLogStreams") == 2


def test_what_is_complete_is_not_fetched_again(aws_here, cloud, job, tmp_path):
    ended = job(name(1), {1: ["a"]})
    active = job(name(2), {2: ["b"]}, status="InProgress")
    forgotten = job(name(3), {3: ["c"]}, status=None)
    assert last_line(aws_here(COMMAND)) == "3 jobs: 3 fetched, 0 already here, 0 without a log"
    known = {one: json.loads(text_of(tmp_path, one, "summary.json")) for one in (ended, active, forgotten)}
    assert [facts["complete"] for facts in known.values()] == [True, False, True]
    assert [facts["status"] for facts in known.values()] == ["Completed", "InProgress", "Unknown"]
    write(cloud, f"{active}/algo-1-2", ["more"], NOON + 1)
    cloud.end(active)
    cloud.requests.clear()
    assert last_line(aws_here(COMMAND)) == "3 jobs: 1 fetched, 2 already here, 0 without a log"
    assert cloud.count("DescribeLogStreams") == 1
    assert text_of(tmp_path, active, "algo-1-2.log").count("\n") == 2
    assert last_line(aws_here(COMMAND)) == "3 jobs: 0 fetched, 3 already here, 0 without a log"
    assert last_line(aws_here(COMMAND, "--force")) == "3 jobs: 3 fetched, 0 already here, 0 without a log"


def test_what_is_damaged_is_fetched_again(aws_here, job, tmp_path):
    jobs = [job(name(attempt), {1: ["a", "b"]}) for attempt in range(1, 6)]
    aws_here(COMMAND)
    logs = [tmp_path / LOGS / one / "algo-1-1.log" for one in jobs]
    whole = logs[0].read_text()
    logs[0].write_text(whole[:5])
    logs[1].unlink()
    for place, text in ((2, '{"job": "psa'), (3, "[]")):
        (logs[place].parent / "summary.json").write_text(text)
    assert last_line(aws_here(COMMAND)) == "5 jobs: 4 fetched, 1 already here, 0 without a log"
    assert [log.read_text() for log in logs] == [whole] * 5


def test_jobs_without_a_log_are_named(aws_here, cloud, job, tmp_path):
    there = job(name(1), {1: ["a"]})
    without = [job(name(attempt), {}) for attempt in range(2, 9)]
    done = aws_here(COMMAND)
    assert done.out.splitlines()[-2:] == [
        f"no log yet: {', '.join(without[:5])}, and 2 more",
        "8 jobs: 1 fetched, 0 already here, 7 without a log",
    ]
    assert sorted(path.name for path in (tmp_path / LOGS).iterdir() if path.is_dir()) == [there]
    assert json.loads(text_of(tmp_path, "download_summary.json"))["without_log"] == without
    cloud.logs.delete_log_group(logGroupName=GROUP)
    done = aws_here(COMMAND, "--force")
    assert last_line(done) == "8 jobs: 0 fetched, 0 already here, 8 without a log"


def test_a_list_of_jobs_needs_no_bucket(aws_here, job, tmp_path):
    wanted, _ = (job(name(attempt), {1: ["a"]}) for attempt in (1, 2))
    (tmp_path / "jobs.txt").write_text(f"{wanted}\n")
    done = aws_here(COMMAND, "--jobs-file", "jobs.txt", "--output-dir", "here", "--quiet", S3_BUCKET_NAME="")
    assert done.out == done.err == ""
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["download_summary.json", wanted]
    done = aws_here(COMMAND, code=2, S3_BUCKET_NAME="")
    assert done.err.startswith("error: no bucket; give --bucket")


def test_credentials_in_a_log_are_hidden(aws_here, job, tmp_path):
    one = job(name(1), {1: [f"environ: {KEY} {SECRET}", "https://x?X-Amz-Signature=abc123&y=1"]})
    aws_here(COMMAND)
    text = text_of(tmp_path, one, "algo-1-1.log")
    assert "environ: *** ***\n" in text
    assert "X-Amz-Signature=***&y=1" in text


def test_messages_that_are_no_proper_text(aws_here, cloud, job, tmp_path):
    one = job(name(1), {1: ["a"]})
    body = {"events": [{"timestamp": 0, "message": "\ud800 half, \x00 zero"}], "nextForwardToken": "f/1"}
    cloud.faults.append(lambda operation, _: (200, json.dumps(body).encode()) if operation == "GetLogEvents" else None)
    aws_here(COMMAND)
    assert text_of(tmp_path, one, "algo-1-1.log").startswith("[1970-01-01T00:00:00.000+00:00] ? half, \x00 zero\n")


def test_throttling_is_waited_for(aws_here, cloud, job):
    job(name(1), {1: ["a"]})
    cloud.faults.append(throttle(2))
    assert last_line(aws_here(COMMAND)) == "1 jobs: 1 fetched, 0 already here, 0 without a log"


def test_denied_access_is_one_line(aws_here, cloud, job, tmp_path):
    job(name(1), {1: ["a"]})
    denied = 400, error("AccessDeniedException", f"User {KEY} is not authorized")
    cloud.faults.append(lambda operation, _: denied if operation == "GetLogEvents" else None)
    done = aws_here(COMMAND, code=2)
    assert done.err == "error: access denied; the policy of these credentials must allow logs:GetLogEvents here\n"
    assert list((tmp_path / LOGS / name(1)).iterdir()) == []


def test_a_full_disk_is_one_line_and_leaves_no_half_file(aws_here, job, tmp_path):
    one = job(name(1), {1: ["a"]})
    folder = tmp_path / LOGS / one
    folder.mkdir(parents=True)
    temporary(folder / "algo-1-1.log").symlink_to("/dev/full")
    done = aws_here(COMMAND, code=1)
    assert done.err == f"error: No space left on device ({LOGS}/{one}/algo-1-1.log)\n"
    assert list(folder.iterdir()) == []
    assert last_line(aws_here(COMMAND)) == "1 jobs: 1 fetched, 0 already here, 0 without a log"


def test_an_output_folder_that_is_a_file(aws_here, cloud, job, tmp_path):
    job(name(1), {1: ["a"]})
    (tmp_path / "file").touch()
    done = aws_here(COMMAND, "--output-dir", "file", code=2)
    assert done.err == "error: folder for logs file: is a file; name another with --output-dir\n"
    assert cloud.count("GetLogEvents") == 0


def test_ctrl_c_leaves_whole_files_and_the_next_start_goes_on(aws_here, cloud, job, tmp_path):
    jobs = [job(name(attempt), {attempt: ["a", "b"]}) for attempt in range(1, 41)]

    def interrupt(operation, environ):
        if operation == "GetLogEvents" and cloud.count(operation) > 10:
            cloud.faults.clear()
            os.kill(os.getpid(), signal.SIGINT)
        elif operation == "GetLogEvents":
            time.sleep(0.02)

    cloud.faults.append(interrupt)
    done = aws_here(COMMAND, code=130)
    assert done.err.startswith("psa-sagemaker-get-training-logs: interrupted by SIGINT")
    assert done.err.count("\n") == 1
    files = [path for path in (tmp_path / LOGS).rglob("*") if path.is_file()]
    assert {path.read_text().count("\n") for path in files if path.suffix == ".log"} == {2}
    assert {path.suffix for path in files} == {".log", ".json"}
    before = sum(path.name == "summary.json" for path in files)
    assert 0 < before < len(jobs)
    there = f"{len(jobs) - before} fetched, {before} already here"
    assert last_line(aws_here(COMMAND)) == f"{len(jobs)} jobs: {there}, 0 without a log"


def test_as_a_process(aws, job, tmp_path):
    one = job(name(1), {1: ["a"]})
    done = aws(COMMAND)
    assert done.out.splitlines() == ["1 jobs: 1 fetched, 0 already here, 0 without a log"]
    assert done.err == ""
    assert text_of(tmp_path, one, "algo-1-1.log").endswith("] a\n")


@pytest.mark.slow
def test_1200_jobs_from_the_cloud_to_a_table(aws_here, cloud, tmp_path):
    names = [f"psa-{depth}x8-{mode}-3f0c2a91-01" for depth in range(1, 201) for mode in MODE_NAMES]
    store = get_backend("s3")["123456789012"]["aws"]
    for place, text in enumerate(names):
        store.put_object(BUCKET, f"{PREFIX}/{text}/job.json", b"{}")
        record(cloud, text)
        loop = f"loss 0.1, validation {90 + place / 200:.3f}%, bounty {90 + place / 200:.3f}%, kept, 0.1 s"
        write(cloud, f"{text}/algo-1-1", [f"meta-loop 1 trial 1 {text.split('-')[2]}: {loop}"])
        if place != 700:
            cloud.end(text)
    assert last_line(aws_here(COMMAND)) == "1200 jobs: 1200 fetched, 0 already here, 0 without a log"
    assert cloud.count("ListTrainingJobs") == 12
    assert last_line(aws_here(COMMAND)) == "1200 jobs: 1 fetched, 1199 already here, 0 without a log"
    done = aws_here("logs_parser")
    assert "1200 jobs, 1200 trials of 1200 architectures and modes; 0 without a meta-loop" in done.out
    with open(tmp_path / "results/psa_sagemaker/psa_resmlp_trials_convergence.csv") as table:
        rows = {(row["architecture"], row["mode"]): float(row["validation_percent"]) for row in csv.DictReader(table)}
    cells = [(f"{depth}*8", mode) for depth in range(1, 201) for mode in MODE_NAMES]
    assert rows == {cell: round(90 + place / 200, 3) for place, cell in enumerate(cells)}
