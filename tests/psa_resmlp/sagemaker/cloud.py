"""S3, SageMaker and CloudWatch Logs on loopback: moto as a server, with what it lacks and faults on demand."""

import io
import json
import threading
from datetime import timedelta

import boto3
from botocore.config import Config
from moto.backends import get_backend
from moto.moto_api._internal import mock_random  # noqa: F401 - moto's server needs it loaded
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

REGION, BUCKET, PREFIX = "us-east-1", "study-bucket", "team/psa"
ROLE = "arn:aws:iam::123456789012:role/Training"
KEY, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEXAMPLETOKEN"
GROUP = "/aws/sagemaker/TrainingJobs"
JSON = "application/x-amz-json-1.1"


class Cloud:
    """The server. Jobs stay InProgress until `end` ends them; names are taken once; there may be a limit of jobs.

    faults: functions from (service and operation, WSGI environment) to (status, body) or None.
    """

    def __init__(self):
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._lock = threading.Lock()
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=16)
        keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": REGION}
        self.s3, self.sagemaker, self.logs = (
            boto3.client(name, endpoint_url=self.url, config=config, **keys) for name in ("s3", "sagemaker", "logs")
        )
        self.faults, self.requests, self.limit = [], [], None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *problem):
        for client in (self.s3, self.sagemaker, self.logs):
            client.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def begin(self):
        """Nothing is there but an empty bucket and the log group, and nothing goes wrong."""
        self.faults, self.limit = [], None
        for name in ("s3", "sagemaker", "logs"):
            get_backend(name).reset()
        self.s3.create_bucket(Bucket=BUCKET)
        self.logs.create_log_group(logGroupName=GROUP)
        self.requests.clear()

    @property
    def env(self):
        """Of a command that uses this server and nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_REGION": REGION,
            "S3_BUCKET_NAME": BUCKET,
            "S3_PREFIX": PREFIX,
            "AWS_SAGEMAKER_ROLE": ROLE,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
        }

    @property
    def jobs(self):
        """moto's jobs by name."""
        return get_backend("sagemaker")["123456789012"][REGION].training_jobs

    def names(self, status=None):
        return [name for name, job in self.jobs.items() if status in (None, job.training_job_status)]

    def end(self, name, status="Completed", seconds=600, billable=None):
        """A job ends, after so many seconds of training."""
        job = self.jobs[name]
        job.training_job_status = job.secondary_status = status
        job.training_end_time = job.training_start_time + timedelta(seconds=seconds)
        job.training_time_in_seconds = seconds
        job.billable_time_in_seconds = seconds if billable is None else billable

    def put(self, path, content, prefix=PREFIX):
        body = content if isinstance(content, bytes) else content.encode()
        self.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=body)

    def get(self, path, prefix=PREFIX):
        return self.s3.get_object(Bucket=BUCKET, Key=f"{prefix}/{path}")["Body"].read()

    def paths(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def count(self, operation):
        """How many requests there were."""
        return sum(name == operation for name in self.requests)

    def __call__(self, environ, start_response):
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or f"S3.{environ['REQUEST_METHOD']}"
        self.requests.append(operation)
        answer = next((found for fault in self.faults if (found := fault(operation, environ))), None)
        if answer is None and operation == "CreateTrainingJob":
            with self._lock:
                return self._create(environ, start_response)
        if answer is None:
            return self._app(environ, start_response)
        return _send(start_response, *answer)

    def _create(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        name = json.loads(body)["TrainingJobName"]
        if name in self.jobs:
            return _send(start_response, 400, error("ResourceInUse", f"Training job {name} exists already"))
        if self.limit is not None and len(self.names("InProgress")) >= self.limit:
            return _send(start_response, 400, error("ResourceLimitExceeded", "The account-level service limit is 2"))
        environ["wsgi.input"] = io.BytesIO(body)
        answer = list(self._app(environ, start_response))
        job = self.jobs[name]
        job.training_job_status, job.secondary_status, job.training_end_time = "InProgress", "Training", None
        return answer


def error(kind, message):
    """The body of an error of SageMaker or CloudWatch Logs."""
    return json.dumps({"__type": kind, "message": message}).encode()


def s3_error(kind, message):
    """The body of an error of S3."""
    return f'<?xml version="1.0"?><Error><Code>{kind}</Code><Message>{message}</Message></Error>'.encode()


def throttle(every):
    """A fault: of every operation's requests, all but each `every`-th are turned away."""
    counts = {}

    def fault(operation, environ):
        counts[operation] = counts.get(operation, 0) + 1
        if counts[operation] % every == 0:
            return None
        if operation.startswith("S3"):
            return 503, s3_error("SlowDown", "Please reduce your request rate.")
        return 400, error("ThrottlingException", "Rate exceeded")

    return fault


def _send(start_response, status, body):
    kind = JSON if body.startswith(b"{") else "application/xml"
    start_response(f"{status} Error", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
