"""psa-sagemaker-estimate-storage: sizes worked out by hand, pages, and what it does when it is not let."""

import json

import pytest
from cloud import BUCKET, KEY, PREFIX, REGION, SECRET, TOKEN, s3_error, throttle
from moto.backends import get_backend

PLACE = f"s3://{BUCKET}/{PREFIX}"
FIRST, SECOND, OTHER = "psa-18x18-none-1a2b3c4d-01", "psa-18x18-none-1a2b3c4d-02", "psa-1x64-full-1a2b3c4d-01"
PRICES = f"[s3_gb_month]\n{REGION} = 25000\n"


@pytest.fixture
def objects(cloud):
    """Put objects of so many bytes there, without a request for each."""

    def make(sizes):
        backend = get_backend("s3")["123456789012"]["aws"]
        for name, size in sizes.items():
            backend.put_object(BUCKET, f"{PREFIX}/{name}", b"x" * size, disable_notification=True)

    return make


@pytest.fixture
def study(cloud, objects, tmp_path):
    """25,970 bytes in 14 objects, and some beside the study's folder."""
    (tmp_path / "prices.toml").write_text(PRICES)
    objects(
        {
            f"{FIRST}/output/model.tar.gz": 3000,
            f"{FIRST}/output/output.tar.gz": 500,
            f"{FIRST}/job.json": 20,
            f"{FIRST}/profiler-output/system.log": 7,
            f"{SECOND}/output/model.tar.gz": 6000,
            f"{SECOND}/job.json": 30,
            f"{OTHER}/job.json": 40,
            "checkpoints/18x18_none/models/trial_1/mnist_lkg.safetensors": 9000,
            "checkpoints/18x18_none/run/run_meta.json": 100,
            "checkpoints/1x64_full/models/mnist_lkg.safetensors": 1000,
            "code/0a1b2c/code.tar.gz": 2000,
            "data/MNIST/raw/train-images-idx3-ubyte": 4000,
            "study.json": 200,
            "notes.txt": 73,
        }
    )
    cloud.put("model.tar.gz", b"x" * 99, prefix=f"{PREFIX}-rerun-2")


def _run(aws_here, *words, **options):
    return aws_here("estimate_storage", "--output-dir", "out", *words, **options)


def _report(tmp_path):
    return json.loads((tmp_path / "out/storage_report.json").read_text())


def test_sums_are_those_worked_out_by_hand(aws_here, study, tmp_path):
    lines = _run(aws_here).out.splitlines()
    assert lines[0] == f"26.0 kB in 14 objects below {PLACE}"
    assert lines[1] == f"0.65 USD a month in S3 Standard (prices.toml, {REGION}; it may be outdated)"
    assert [line.split() for line in lines[3:11]] == [
        ["kind", "objects", "size"],
        ["networks", "2", "9.0", "kB"],
        ["results", "1", "500", "B"],
        ["checkpoints", "3", "10.1", "kB"],
        ["code", "1", "2.0", "kB"],
        ["data", "1", "4.0", "kB"],
        ["records", "4", "290", "B"],
        ["other", "2", "80", "B"],
    ]
    # (3527 + 6030 + 40) / 3
    assert lines[12].startswith(f"3 jobs with 3.2 kB each on average, at most 6.0 kB ({SECOND})")
    assert len(lines) == 15


def test_detailed_has_a_row_for_every_job(aws_here, study):
    rows = [line.split() for line in _run(aws_here, "--detailed").out.splitlines()]
    place = rows.index(["job", "objects", "size", "checkpoints"])
    assert rows[place + 1 : place + 5] == [
        [FIRST, "4", "3.5", "kB", "9.1", "kB"],
        [SECOND, "2", "6.0", "kB", "9.1", "kB"],
        [OTHER, "1", "40", "B", "1.0", "kB"],
        [],
    ]


def test_json_holds_exact_bytes(aws_here, study, tmp_path):
    _run(aws_here, "--quiet")
    found = _report(tmp_path)
    assert found["total"] == {"objects": 14, "bytes": 25_970, "usd_month": 0.64925}
    assert (found["folder"], found["region"], found["usd_per_gb_month"]) == (PLACE, REGION, 25_000)
    assert {kind: one["bytes"] for kind, one in found["kinds"].items()} == {
        "networks": 9000,
        "results": 500,
        "checkpoints": 10_100,
        "code": 2000,
        "data": 4000,
        "records": 290,
        "other": 80,
    }
    assert found["kinds"]["networks"]["usd_month"] == 0.225
    assert found["jobs"][FIRST] == {"objects": 4, "bytes": 3527, "checkpoint_bytes": 9100}
    assert found["checkpoints"] == {
        "18x18_none": {"objects": 2, "bytes": 9100},
        "1x64_full": {"objects": 1, "bytes": 1000},
    }


def test_a_price_file_without_storage_is_said(aws_here, study, tmp_path):
    (tmp_path / "prices.toml").write_text("[s3_gb_month]\neu-west-1 = 1\n")
    lines = _run(aws_here).out.splitlines()
    assert lines[1] == (f"prices.toml does not say what storage costs in {REGION}; add {REGION} below [s3_gb_month]")
    assert _report(tmp_path)["total"]["usd_month"] is None


def test_1200_jobs_over_three_pages(aws_here, objects, cloud, tmp_path):
    names = [f"psa-{depth}x{width}-{mode}-1a2b3c4d-01" for depth in range(1, 21) for width in range(1, 31)
             for mode in ("none", "full")]  # fmt: skip
    objects({f"{name}/{path}": size for name in names for path, size in (("job.json", 2), ("output/model.tar.gz", 5))})
    cloud.requests.clear()
    out = _run(aws_here, "--detailed").out
    assert cloud.count("S3.GET") == 3
    assert out.startswith(f"8.4 kB in 2,400 objects below {PLACE}\n")
    assert "\n1,200 jobs with 7 B each on average" in out
    found = _report(tmp_path)
    assert found["total"]["bytes"] == 8400
    assert list(found["jobs"]) == sorted(names)
    assert sum(name in out for name in names) == 1200


def test_a_throttled_listing_is_repeated(aws_here, study, cloud, tmp_path):
    cloud.faults.append(throttle(3))
    _run(aws_here)
    assert _report(tmp_path)["total"]["bytes"] == 25_970
    assert cloud.count("S3.GET") == 3


def test_an_empty_folder_is_an_error_and_writes_nothing(aws_here, study, tmp_path):
    done = _run(aws_here, "--prefix", "team/none", code=2)
    assert done.err.startswith(f"error: s3://{BUCKET}/team/none holds nothing; ")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_quiet_prints_nothing(aws_here, study):
    done = _run(aws_here, "--quiet", "--detailed")
    assert (done.out, done.err) == ("", "")


def test_as_a_process(aws, study, cloud, tmp_path):
    assert aws("estimate_storage").out.startswith(f"26.0 kB in 14 objects below {PLACE}\n")
    message = f"The key {KEY} {SECRET} {TOKEN} is not good"
    for method, status, body, line in (
        ("GET", 400, s3_error("UnrecognizedClientException", message), "AWS does not accept the credentials"),
        ("GET", 403, s3_error("AccessDenied", message), "access denied; the policy of these credentials must allow"),
        ("HEAD", 403, b"", "access denied; the policy of these credentials must allow s3:ListBucket here"),
    ):
        cloud.faults[:] = [lambda name, _, m=method, s=status, b=body: (s, b) if name == f"S3.{m}" else None]
        done = aws("estimate_storage", "--output-dir", "out", code=2)
        assert done.err.startswith(f"error: {line}")
        assert done.err.count("\n") == 1
        assert not (tmp_path / "out").exists()
        written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
        assert not any(secret in done.out + done.err + written for secret in (KEY, SECRET, TOKEN))
