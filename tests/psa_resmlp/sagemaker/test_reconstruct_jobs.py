"""psa-sagemaker-reconstruct-jobs: names of jobs from the folders of the bucket."""

import json
import re

import pytest
from cloud import BUCKET, KEY, PREFIX, SECRET, TOKEN, s3_error, throttle
from moto.backends import get_backend

from psa_resmlp.sagemaker.job_list import FILE, read_jobs
from psa_resmlp.sagemaker.study import FORMAT

PLACE = f"s3://{BUCKET}/{PREFIX}"
NAMES = [
    "psa-18x18-full-1a2b3c4d-01",
    "psa-18x18-none-1a2b3c4d-01",
    "psa-18x18-none-1a2b3c4d-02",
    "psa-1x2-dropout-2025-08-04-19-53-35-910",
    "psa-4x4-2x8-output-1a2b3c4d-01",
]


@pytest.fixture
def folders(cloud):
    """Make folders with an object in each, without a request for each."""

    def make(names, paths=("job.json",)):
        backend = get_backend("s3")["123456789012"]["aws"]
        for name in names:
            for path in paths:
                backend.put_object(BUCKET, f"{PREFIX}/{name}/{path}", b"{}", disable_notification=True)

    return make


def _run(aws_here, *words, **options):
    return aws_here("reconstruct_jobs", *words, **options)


def test_writes_the_names_sorted(aws_here, folders, tmp_path):
    folders(NAMES[::-1])
    folders(["code", "data", "checkpoints"])
    done = _run(aws_here)
    assert (tmp_path / FILE).read_text() == "".join(f"{name}\n" for name in NAMES)
    assert done.out.splitlines() == [f"5 jobs in {PLACE}: written {FILE}", *(f"  {name}" for name in NAMES)]
    assert done.err == ""


def test_pages_over_1200_jobs(aws_here, folders, cloud, tmp_path):
    names = [f"psa-{depth}x{width}-{mode}-1a2b3c4d-01" for depth in range(1, 21) for width in range(1, 31)
             for mode in ("none", "full")]  # fmt: skip
    folders(names)
    done = _run(aws_here, "--output", "jobs.txt")
    assert [name.text for name in read_jobs(tmp_path / "jobs.txt")] == sorted(names)
    lines = done.out.splitlines()
    assert cloud.count("S3.GET") == 3  # study.json, and two pages
    assert lines[0] == f"1,200 jobs in {PLACE}: written jobs.txt"
    assert lines[-1] == "  ... and 1195 more"
    assert len(lines) == 7


def test_a_throttled_bucket_is_asked_again(aws_here, folders, cloud, tmp_path):
    folders(NAMES)
    cloud.faults.append(throttle(2))
    _run(aws_here, "--output", "jobs.txt", "--quiet")
    assert [name.text for name in read_jobs(tmp_path / "jobs.txt")] == NAMES
    assert cloud.count("S3.GET") == 4  # study.json and the folders, each twice


def test_folders_that_are_no_jobs_are_counted(aws_here, folders, tmp_path):
    folders([*NAMES, "psa-18x18", "psa-1x2-nothing-1a2b3c4d-01", "notes"])
    done = _run(aws_here)
    assert "2 folders left out, not a job's name: psa-18x18, psa-1x2-nothing-1a2b3c4d-01" in done.out.splitlines()
    assert len(read_jobs(tmp_path / FILE)) == 5


def test_jobs_of_another_study_are_left_out_and_told(aws_here, folders, cloud, tmp_path):
    cloud.put("study.json", json.dumps({"format": FORMAT, "id": "1a2b3c4d", "settings": {}}))
    folders(NAMES)
    done = _run(aws_here)
    assert [name.text for name in read_jobs(tmp_path / FILE)] == [name for name in NAMES if "2025" not in name]
    assert "1 folder left out, of another study: psa-1x2-dropout-2025-08-04-19-53-35-910" in done.out.splitlines()
    assert "not a job's name" not in done.out


def test_names_that_only_the_old_file_had_are_told(aws_here, folders, tmp_path):
    folders(NAMES)
    gone = [f"psa-1x{width}-none-1a2b3c4d-01" for width in range(1, 8)]
    (tmp_path / "jobs.txt").write_text("\n".join(["# mine", NAMES[0], *gone]))
    done = _run(aws_here, "--output", "jobs.txt")
    assert [name.text for name in read_jobs(tmp_path / "jobs.txt")] == NAMES
    assert done.out.splitlines()[-1] == f"7 names of the old file removed: {', '.join(gone[:5])}, and 2 more"
    again = _run(aws_here, "--output", "jobs.txt")
    assert "gone" not in again.out


def test_a_file_that_is_no_list_stays_as_it_is(aws_here, folders, tmp_path):
    folders(NAMES)
    (tmp_path / "thesis.txt").write_text("Chapter 1\n")
    done = _run(aws_here, "--output", "thesis.txt", code=2)
    assert done.err == "error: thesis.txt is not a list of jobs and is kept; name another file with --output\n"
    assert (tmp_path / "thesis.txt").read_text() == "Chapter 1\n"
    (tmp_path / "empty.txt").touch()
    _run(aws_here, "--output", "empty.txt")
    assert len(read_jobs(tmp_path / "empty.txt")) == 5


def test_no_job_is_an_error_and_writes_nothing(aws_here, folders, tmp_path):
    folders(["psa-18x18", "code"])
    done = _run(aws_here, code=2)
    assert re.fullmatch(rf"error: {PLACE} has no job yet; .*\n", done.err)
    assert list(tmp_path.iterdir()) == []


def test_quiet_prints_nothing(aws_here, folders):
    folders(NAMES)
    done = _run(aws_here, "--quiet")
    assert (done.out, done.err) == ("", "")


def test_as_a_process(aws, folders, cloud, tmp_path):
    folders(NAMES)
    assert aws("reconstruct_jobs").out.startswith(f"5 jobs in {PLACE}: ")
    (tmp_path / FILE).unlink()
    message = f"The key {KEY} {SECRET} {TOKEN} is not good"
    for status, body, line in (
        (400, s3_error("UnrecognizedClientException", message), "AWS does not accept the credentials"),
        (403, s3_error("AccessDenied", message), "access denied; the policy of these credentials must allow s3:Get"),
        (403, b"", "access denied; the policy of these credentials must allow s3:ListBucket"),  # HEAD has no body
    ):
        method = "GET" if body else "HEAD"
        cloud.faults[:] = [lambda name, _, m=method, s=status, b=body: (s, b) if name == f"S3.{m}" else None]
        done = aws("reconstruct_jobs", code=2)
        assert done.err.startswith(f"error: {line}")
        assert done.err.count("\n") == 1
        assert not any(secret in done.out + done.err for secret in (KEY, SECRET, TOKEN))
        assert not (tmp_path / FILE).exists()
