"""What AWS refuses ends every command in one clear line, in which no credentials stand."""

import json

import pytest
from cloud import BUCKET, KEY, PREFIX, REGION, SECRET, TOKEN, error, s3_error

from psa_resmlp.sagemaker.aws import HIDDEN, redact

SMALL = ("--arch", "2*6", "--modes", "none", "--dataset", "digits")
COMMANDS = {
    "run": SMALL,
    "results_parser": (),
    "get_training_logs": (),
    "cost_estimator": (),
    "estimate_storage": (),
    "reconstruct_jobs": (),
}
SECRETS = (KEY, SECRET, TOKEN)
every_command = pytest.mark.parametrize("module", COMMANDS)


def one_line(done):
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert not any(secret in done.err + done.out for secret in SECRETS)
    return done.err


@every_command
def test_missing_credentials(aws_here, cloud, module):
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
    done = aws_here(module, *COMMANDS[module], code=2, **nothing)
    assert "no AWS credentials found; run `aws configure`" in one_line(done)
    assert cloud.requests == []


@every_command
def test_an_unknown_bucket(aws_here, module):
    done = aws_here(module, *COMMANDS[module], "--bucket", "no-such-bucket", code=2)
    assert "the bucket does not exist; create it, or name another" in one_line(done)


@every_command
def test_a_bucket_elsewhere(aws_here, cloud, module):
    cloud.s3.create_bucket(Bucket="far-away", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    done = aws_here(module, *COMMANDS[module], "--bucket", "far-away", code=2)
    assert "is in eu-west-1, not in us-east-1" in one_line(done)


@every_command
def test_denied_access_to_the_bucket(aws_here, cloud, module):
    cloud.faults.append(lambda operation, environ: (403, b"") if operation == "S3.HEAD" else None)
    done = aws_here(module, *COMMANDS[module], code=2)
    assert "access denied; the policy of these credentials must allow s3:ListBucket here" in one_line(done)


@every_command
def test_a_missing_library(aws_here, monkeypatch, module):
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    done = aws_here(module, *COMMANDS[module], code=1)
    assert "boto3 is not installed; install it with `poetry install --extras sagemaker`" in one_line(done)


def refuse(name, kind, message, status=400):
    return lambda operation, environ: (status, error(kind, message)) if operation == name else None


@pytest.mark.parametrize(
    ("kind", "code", "holds"),
    [
        ("AccessDeniedException", 2, "must allow sagemaker:CreateTrainingJob here"),
        ("ExpiredTokenException", 2, "have expired"),
        ("UnrecognizedClientException", 2, "AWS does not accept the credentials"),
        ("InvalidSignatureException", 2, "AWS does not accept the credentials"),
        (
            "ValidationException",
            1,
            f"AWS refused CreateTrainingJob: ValidationException: role of {HIDDEN} and {HIDDEN}",
        ),
    ],
)
def test_what_sagemaker_refuses(aws_here, cloud, kind, code, holds):
    cloud.faults.append(refuse("CreateTrainingJob", kind, f"role of {KEY} and {SECRET}"))
    assert holds in one_line(aws_here("run", *SMALL, code=code))
    assert cloud.names() == []


def test_a_role_that_may_not_be_passed_on(aws_here, cloud):
    message = f"User: arn:aws:iam::123456789012:user/{KEY} is not authorized to perform: iam:PassRole on resource: x"
    cloud.faults.append(refuse("CreateTrainingJob", "AccessDeniedException", message))
    assert "must allow iam:PassRole here" in one_line(aws_here("run", *SMALL, code=2))


def test_throttling_without_end(aws_here, cloud, monkeypatch):
    monkeypatch.setattr("psa_resmlp.sagemaker.aws.ATTEMPTS", 2)
    cloud.faults.append(refuse("ListTrainingJobs", "ThrottlingException", "Rate exceeded"))
    done = aws_here("run", *SMALL, code=1)
    assert "AWS throttled ListTrainingJobs in all 2 attempts; start again later, nothing is lost" in one_line(done)
    assert cloud.count("ListTrainingJobs") == 2
    slow = s3_error("SlowDown", f"Please, {TOKEN}")
    cloud.faults[:] = [lambda operation, environ: (503, slow) if operation == "S3.GET" else None]
    assert "AWS throttled" in one_line(aws_here("reconstruct_jobs", code=1))


def test_no_network(aws_here, monkeypatch):
    monkeypatch.setattr("psa_resmlp.sagemaker.aws.ATTEMPTS", 1)
    done = aws_here("run", *SMALL, code=1, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert "AWS cannot be reached (EndpointConnectionError); check the network" in one_line(done)


def test_an_unknown_profile_and_no_region(aws_here, monkeypatch):
    assert "correct AWS_PROFILE" in one_line(aws_here("run", *SMALL, code=2, AWS_PROFILE="nobody"))
    monkeypatch.delenv("AWS_PROFILE")
    nowhere = {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    assert "no region; give --region" in one_line(aws_here("run", *SMALL, code=2, **nowhere))


def test_credentials_are_nowhere_to_be_read(aws, cloud, tmp_path):
    """All commands as processes, with credentials from .env alone; then everything that they wrote anywhere."""
    secrets = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
    hidden = dict.fromkeys(secrets, "")
    printed = ""
    for module, words in COMMANDS.items():
        process_free = {name: value for name, value in cloud.env.items() if name not in secrets}
        done = aws(module, *words, code=0, **{**process_free, **hidden})
        printed += done.out + done.err
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".env"]
    objects = [cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in cloud.paths()]
    jobs = [json.dumps(job.response_object, default=str).encode() for job in cloud.jobs.values()]
    assert len(jobs) == 1
    assert len(files) >= 4
    for text in (printed.encode(), *files, *objects, *jobs):
        assert not any(secret.encode() in text for secret in SECRETS)


def test_redacting():
    text = f"key ASIAABCDEFGHIJKLMNOP in https://x/?X-Amz-Signature=abcdef&X-Amz-Credential={KEY}%2F{REGION} {PREFIX}"
    assert redact(text) == (f"key {HIDDEN} in https://x/?X-Amz-Signature={HIDDEN}&X-Amz-Credential={HIDDEN} {PREFIX}")
