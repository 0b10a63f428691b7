"""AWS clients that retry when throttled, and AWS's errors as one clear line without credentials."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

from common.cli import run_command
from common.errors import InputError, Interrupted, RunError

ATTEMPTS = 10  # with waits that double up to 20 s each: botocore's standard mode
THREADS = 8
_UNKNOWN = (
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch",
    "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken", "AuthFailure",
)  # fmt: skip
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
_DENIED = ("AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation", "AllAccessDisabled")
_THROTTLED = (
    "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "RequestThrottled",
    "TooManyRequestsException", "SlowDown", "RequestThrottledException", "503",
)  # fmt: skip
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b")
_SIGNED = re.compile(r"(?i)((?:signature|credential|security-token|accesskeyid)=)[^&\s'\"]+")
# IAM's action for an operation, where it is not the operation's own name.
_ACTIONS = {"HeadBucket": "ListBucket", "ListObjectsV2": "ListBucket", "HeadObject": "GetObject"}
_NOT_ALLOWED = re.compile(r"not authorized to perform: ([\w-]+:\w+)")
HIDDEN = "***"
EXTRA = ("boto3", "botocore", "dotenv")
_PARTS = ("access_key", "secret_key", "token")
_in_use: list[Any] = []
_stopping = threading.Event()
_LOG_IN = "run `aws configure` or `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


class Account:
    """Clients in one region; created at first use, and safe to share between threads.

    Args:
        region: e.g. us-east-1; None takes boto3's (AWS_DEFAULT_REGION or the profile's).

    Raises:
        InputError: no region, an unknown profile, or no credentials.
    """

    def __init__(self, region: str | None) -> None:
        import boto3

        self._session: Any = boto3.Session(region_name=region)
        if not self._session.region_name:
            raise InputError("no region; give --region, or set AWS_REGION in .env or the environment")
        self.region = str(self._session.region_name)
        credentials = self._session.get_credentials()
        if credentials is None:
            raise InputError(f"no AWS credentials found; {_LOG_IN}")
        _in_use.append(credentials)
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    @property
    def s3(self) -> Any:
        """The client of S3."""
        return self._client("s3")

    @property
    def sagemaker(self) -> Any:
        """The client of SageMaker."""
        return self._client("sagemaker")

    @property
    def logs(self) -> Any:
        """The client of CloudWatch Logs."""
        return self._client("logs")

    @property
    def domain(self) -> str:
        """The domain of the region's AWS partition: amazonaws.com in most."""
        partition = self._session.get_partition_for_region(self.region)
        return "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"

    def _client(self, service: str) -> Any:
        with self._lock:  # sessions are not safe to share, their clients are
            if service not in self._clients:
                self._clients[service] = self._new(service)
            return self._clients[service]

    def _new(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=2 * THREADS,
        )
        client = self._session.client(service, config=config)
        client.meta.events.register("before-send", _refuse_when_stopping)
        return client


@contextlib.contextmanager
def no_more_requests() -> Iterator[None]:
    """While the block runs, no client sends anything: requests waiting for a retry end with Interrupted."""
    _stopping.set()
    try:
        yield
    finally:
        _stopping.clear()


def _refuse_when_stopping(**request: Any) -> None:
    if _stopping.is_set():
        raise Interrupted("interrupted", signal.SIGINT)


def aws_command(prog: str, work: Callable[[], int]) -> int:
    """`common.cli.run_command` for commands that use AWS: AWS's errors become one line without credentials."""
    return run_command(prog, lambda: _translated(work))


def redact(text: str) -> str:
    """Text without access keys, secrets, session tokens and signatures."""
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return _SIGNED.sub(rf"\1{HIDDEN}", _KEY_ID.sub(HIDDEN, text))


def code_of(problem: Any) -> str:
    """The code of a ClientError, such as ResourceLimitExceeded."""
    return str(problem.response.get("Error", {}).get("Code", ""))


def message_of(problem: Any) -> str:
    """The message of a ClientError on one line, without credentials."""
    return redact(" ".join(str(problem.response.get("Error", {}).get("Message") or "no reason given").split()))


def _translated(work: Callable[[], int]) -> int:
    try:
        return _of_aws(work)
    except ModuleNotFoundError as problem:
        if problem.name not in EXTRA:
            raise
        advice = "install it with `poetry install --extras sagemaker` or `pip install boto3 python-dotenv`"
        raise RunError(f"{problem.name} is not installed; {advice}") from None


def _of_aws(work: Callable[[], int]) -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return work()
    except ClientError as problem:
        raise _of_service(problem) from None
    except BotoCoreError as problem:
        raise _of_client(problem) from None
    except (InputError, RunError) as problem:
        raise type(problem)(redact(str(problem))) from None


def _of_service(problem: Any) -> Exception:
    """The message for an error that AWS returned."""
    code, operation = code_of(problem), str(problem.operation_name)
    message = message_of(problem)
    named = _NOT_ALLOWED.search(message)  # the missing permission may be another action's, e.g. iam:PassRole
    action = named[1] if named else f"{_service_of(operation)}:{_ACTIONS.get(operation, operation)}"
    if code in _UNKNOWN:
        return InputError(f"AWS does not accept the credentials ({code}); {_LOG_IN}")
    if code in _EXPIRED:
        return InputError(f"the AWS credentials have expired ({code}); log in again, such as with `aws sso login`")
    if code in _DENIED:
        return InputError(f"access denied; the policy of these credentials must allow {action} here")
    if code == "NoSuchBucket" or (code == "404" and operation == "HeadBucket"):
        return InputError("the bucket does not exist; create it, or name another with --bucket or S3_BUCKET_NAME")
    if code in ("PermanentRedirect", "301", "AuthorizationHeaderMalformed"):
        return InputError("the bucket lies in another region; name that one with --region or AWS_REGION")
    if code in _THROTTLED:
        return RunError(f"AWS throttled {operation} in all {ATTEMPTS} attempts; start again later, nothing is lost")
    return RunError(f"AWS refused {operation}: {code}: {message}")


def _of_client(problem: Any) -> Exception:
    """The message for an error that arose before AWS answered."""
    from botocore import exceptions

    kind = type(problem).__name__
    if isinstance(problem, exceptions.ProfileNotFound):
        return InputError(f"{redact(str(problem))}; correct AWS_PROFILE, or unset it")
    if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "NoAuthTokenError"):
        return InputError(f"no complete AWS credentials found ({kind}); {_LOG_IN}")
    if "Token" in kind or "SSO" in kind:
        return InputError(f"the AWS login has expired ({kind}); {_LOG_IN}")
    # Their messages contain the URL, which may be signed.
    if isinstance(problem, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        return RunError(f"AWS cannot be reached ({kind}); check the network and the region, and start again")
    return RunError(f"{kind}: {redact(str(problem))}")


def _service_of(operation: str) -> str:
    if "TrainingJob" in operation:
        return "sagemaker"
    return "logs" if "Log" in operation else "s3"


def _secrets() -> list[str]:
    """The credentials known to this process, which must not be shown; the longest first."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
    found = {os.environ.get(name, "") for name in names}
    for credentials in _in_use:  # through vars(), as reading the properties would fetch new credentials
        found |= {str(value) for name, value in vars(credentials).items() if name.lstrip("_") in _PARTS}
    return sorted((secret for secret in found if len(secret) > 7), key=len, reverse=True)
