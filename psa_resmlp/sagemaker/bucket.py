"""The layout of a study's folder in its bucket; reading, listing and writing its objects.

<prefix>/study.json                          settings that all jobs share; a prefix belongs to one study
<prefix>/code/<hash>/                        the code of the jobs: code.tar.gz, start.sh
<prefix>/data/MNIST/raw/                     the images
<prefix>/checkpoints/<shape>_<mode>/         shared by all attempts at a cell
<prefix>/<job>/job.json                      the request for the job and its time
<prefix>/<job>/output/output.tar.gz          results, metrics and log of a job that has ended
<prefix>/<job>/output/model.tar.gz           its networks
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from common.errors import InputError
from psa_resmlp.sagemaker.aws import Account, code_of
from psa_resmlp.sagemaker.options import AccountConfig, required

STUDY, JOB = "study.json", "job.json"
OUTPUT, MODEL = "output/output.tar.gz", "output/model.tar.gz"
MISSING = ("404", "NoSuchKey", "NotFound")


class Bucket:
    """The folder of a study in a bucket; names are relative to it.

    Args:
        account: whose clients to use.
        name: the bucket's name.
        prefix: the folder, without leading or trailing slashes.
    """

    def __init__(self, account: Account, name: str, prefix: str) -> None:
        self.account, self.name, self.prefix = account, name, prefix

    @classmethod
    def open(cls, config: AccountConfig) -> Bucket:
        """The folder that the settings name, checked with `check`.

        Raises:
            InputError: no bucket, region or credentials, or the bucket is in another region.
        """
        required(config, "bucket")
        bucket = cls(Account(config.region), str(config.bucket), config.prefix)
        bucket.check()
        return bucket

    def uri(self, path: str = "") -> str:
        """s3://bucket/prefix/path."""
        return f"s3://{self.name}/{self.prefix}/{path}".rstrip("/")

    def beside(self, prefix: str) -> Bucket:
        """Another folder of the same bucket."""
        return Bucket(self.account, self.name, prefix)

    def check(self) -> None:
        """Check that the bucket exists, may be listed, and is in the account's region.

        Raises:
            InputError: it is in another region. What AWS refuses is raised as botocore's errors.
        """
        answer = self.account.s3.head_bucket(Bucket=self.name)
        region = answer.get("BucketRegion") or answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        if region and region != self.account.region:
            raise InputError(f"bucket {self.name} is in {region}, not in {self.account.region}; name its region")

    def folders(self, report: Callable[[int], None] = lambda found: None) -> list[str]:
        """Names of the folders in the study's folder; `report` is called with their number so far after every page."""
        pages = self.account.s3.get_paginator("list_objects_v2")
        found: list[str] = []
        for page in pages.paginate(Bucket=self.name, Prefix=f"{self.prefix}/", Delimiter="/"):
            found += [entry["Prefix"].split("/")[-2] for entry in page.get("CommonPrefixes", [])]
            report(len(found))
        return found

    def objects(self, path: str = "") -> Iterator[tuple[str, int]]:
        """Name and size in bytes of every object below a path."""
        pages = self.account.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.name, Prefix=f"{self.prefix}/{path}"):
            for entry in page.get("Contents", []):
                yield entry["Key"][len(self.prefix) + 1 :], int(entry["Size"])

    def is_empty(self) -> bool:
        """Whether the folder holds no object yet."""
        answer = self.account.s3.list_objects_v2(Bucket=self.name, Prefix=f"{self.prefix}/", MaxKeys=1)
        return not answer.get("Contents")

    def stream(self, path: str) -> Any | None:
        """The body of an object, to be read and closed; None if there is none."""
        try:
            return self.account.s3.get_object(Bucket=self.name, Key=self._key(path))["Body"]
        except Exception as problem:
            if _is_missing(problem):
                return None
            raise

    def download(self, path: str, file: IO[bytes]) -> bool:
        """Write an object into a file, in several requests if it is large; False if there is none."""
        try:
            self.account.s3.download_fileobj(self.name, self._key(path), file)
        except Exception as problem:
            if _is_missing(problem):
                return False
            raise
        return True

    def read_json(self, path: str) -> Any | None:
        """An object's JSON; None if there is no object.

        Raises:
            InputError: it is not JSON.
        """
        body = self.stream(path)
        if body is None:
            return None
        with body:
            try:
                return json.loads(body.read())
            except (ValueError, RecursionError):
                raise InputError(f"{self.uri(path)} is damaged: not JSON; restore it, or use another prefix") from None

    def put_once(self, path: str, content: bytes) -> bool:
        """Write an object unless it exists; returns whether it was written. Of simultaneous writers, one succeeds."""
        from botocore.exceptions import ClientError

        try:
            self.account.s3.put_object(Bucket=self.name, Key=self._key(path), Body=content, IfNoneMatch="*")
        except ClientError as problem:
            if code_of(problem) in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                return False
            raise
        return True

    def upload_once(self, path: str, file: Path) -> bool:
        """Upload a file unless an object of its size is there; returns whether it was uploaded."""
        try:
            there = self.account.s3.head_object(Bucket=self.name, Key=self._key(path))
            if int(there["ContentLength"]) == file.stat().st_size:
                return False
        except Exception as problem:
            if not _is_missing(problem):
                raise
        self.account.s3.upload_file(str(file), self.name, self._key(path))
        return True

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}"


def _is_missing(problem: Exception) -> bool:
    return hasattr(problem, "response") and code_of(problem) in MISSING
