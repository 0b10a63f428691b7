"""The study's folder in the bucket: what is there is never written over."""

import pytest
from cloud import BUCKET, PREFIX

from common.errors import InputError
from psa_resmlp.sagemaker.aws import Account
from psa_resmlp.sagemaker.bucket import Bucket


@pytest.fixture
def bucket(cloud, monkeypatch):
    for name, value in cloud.env.items():
        monkeypatch.setenv(name, value)
    return Bucket(Account(cloud.env["AWS_REGION"]), BUCKET, PREFIX)


def test_the_first_one_to_write_wins(bucket, cloud):
    assert bucket.put_once("study.json", b"first")
    assert not bucket.put_once("study.json", b"second")
    assert cloud.get("study.json") == b"first"


def test_files_are_uploaded_once_and_again_if_they_were_cut(bucket, cloud, tmp_path):
    file = tmp_path / "images"
    file.write_bytes(b"x" * 1000)
    assert bucket.upload_once("data/images", file)
    assert not bucket.upload_once("data/images", file)
    cloud.put("data/images", b"x" * 500)
    assert bucket.upload_once("data/images", file)
    assert cloud.get("data/images") == b"x" * 1000


def test_folders_beside_are_others(bucket, cloud):
    assert bucket.is_empty()
    cloud.put("psa-1x1-none-00000000-01/job.json", "{}", prefix=f"{PREFIX}-rerun-2")
    assert bucket.is_empty()
    assert bucket.folders() == []
    assert bucket.beside(f"{PREFIX}-rerun-2").folders() == ["psa-1x1-none-00000000-01"]


def test_missing_and_damaged_records(bucket, cloud):
    assert bucket.read_json("study.json") is None
    assert bucket.stream("study.json") is None
    cloud.put("study.json", "{")
    with pytest.raises(InputError, match=rf"s3://{BUCKET}/{PREFIX}/study.json is damaged"):
        bucket.read_json("study.json")
