"""Options that the psa-sagemaker commands share, and where their values come from.

The command line takes precedence over the environment, the environment over the file .env, and that over the default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from common.cli import build, option
from common.errors import InputError
from common.values import integer, shown

CAPACITIES = ("on-demand", "spot")
_DAY_S = 86_400
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[\w!.*'()-]+(/[\w!.*'()-]+)*", re.ASCII)
# The variables of the published .env file, and some more; AWS_REGION is boto3's own.
VARIABLES = {
    "region": "AWS_REGION",
    "bucket": "S3_BUCKET_NAME",
    "prefix": "S3_PREFIX",
    "role": "AWS_SAGEMAKER_ROLE",
    "instance_type": "INSTANCE_TYPE",
    "capacity": "USE_SPOT_INSTANCES",
    "max_run_seconds": "MAX_RUN_SECONDS",
    "max_wait_seconds": "MAX_WAIT_SECONDS",
    "volume_gb": "VOLUME_SIZE_GB",
    "image": "TRAINING_IMAGE",
}
_YES, _NO = ("true", "yes", "1", "on"), ("false", "no", "0", "off")
Config = TypeVar("Config")


def _from(name: str, text: str) -> str:
    return f"{text} (${VARIABLES[name]})"


@dataclass(frozen=True, kw_only=True)
class AccountConfig:
    """The study's place, by option, environment or .env"""

    env_file: Path = option(Path(".env"), "file with settings, as NAME=value; .env need not exist", local=True)
    region: str | None = option(None, _from("region", "region of the bucket and the jobs"))
    bucket: str | None = option(None, _from("bucket", "name of the S3 bucket"))
    prefix: str = option("psa-resmlp", _from("prefix", "folder of the study in the bucket"))
    quiet: bool = option(False, "print nothing but errors", local=True)

    def check(self) -> None:
        """Raise InputError for names that S3 would refuse."""
        if self.bucket is not None and not _BUCKET.fullmatch(self.bucket):
            raise InputError(
                f"bucket {self.bucket!r} is not a bucket name (3 to 63 lowercase letters, digits, - and .)"
            )
        if not _PREFIX.fullmatch(self.prefix):
            raise InputError(f"prefix {self.prefix!r} is not a folder name such as psa-resmlp or team/psa-resmlp")


@dataclass(frozen=True, kw_only=True)
class JobConfig(AccountConfig):
    """The machines of the jobs, by option, environment or .env"""

    role: str | None = option(None, _from("role", "ARN of the IAM role that the jobs assume"))
    instance_type: str = option("ml.c5.2xlarge", _from("instance_type", "kind of machine of every job"))
    capacity: str = option(
        "on-demand",
        "spot machines are cheaper and may be interrupted ($USE_SPOT_INSTANCES: true or false)",
        choices=CAPACITIES,
    )
    max_run_seconds: int = option(
        2 * _DAY_S, _from("max_run_seconds", "time limit of a job"), unit="s", low=60, high=28 * _DAY_S
    )
    max_wait_seconds: int | None = option(
        None,
        _from("max_wait_seconds", "time limit including waits for spot machines (default: a day more)"),
        unit="s",
        low=60,
        high=29 * _DAY_S,
    )
    volume_gb: int = option(30, _from("volume_gb", "disk of a job"), unit="GB", low=1, high=16_384)
    image: str | None = option(
        None, _from("image", "container with Python 3.11 or 3.12 and torch (default: AWS's for PyTorch 2.8)")
    )

    @property
    def wait_s(self) -> int:
        """Time limit of a spot job including all its waits, in seconds."""
        return self.max_run_seconds + _DAY_S if self.max_wait_seconds is None else self.max_wait_seconds

    def check(self) -> None:
        """Raise InputError for a role or times that SageMaker would refuse."""
        super().check()
        found = None if self.role is None else _ROLE.fullmatch(self.role)
        if self.role is not None and not found:
            raise InputError(f"role {self.role!r} is not the ARN of a role (arn:aws:iam::123456789012:role/NAME)")
        account = os.environ.get("AWS_ACCOUNT_ID")
        if found and account and found[1] != account:
            raise InputError(f"role {self.role} is not in the account AWS_ACCOUNT_ID={account}; correct one of them")
        if not re.fullmatch(r"ml\.[a-z0-9-]+\.[a-z0-9-]+", self.instance_type):
            raise InputError(f"instance type {self.instance_type!r} is not like SageMaker's, such as ml.c5.2xlarge")
        if self.wait_s < self.max_run_seconds:
            raise InputError(f"max-wait-seconds {self.wait_s} is below max-run-seconds {self.max_run_seconds}")


def settings(config_type: type[Config], given: Mapping[str, Any]) -> Config:
    """The settings from the command line, the environment and .env.

    The variables of .env are added to the environment, as they may hold credentials; they are never printed.

    Raises:
        InputError: a value is wrong; the message names the environment variable if the value comes from one.
        ModuleNotFoundError: the extra is not installed.
    """
    _load_env_file(given.get("env_file"))
    values = dict(given)
    known = {field.name for field in fields(config_type)}  # type: ignore[arg-type]
    hints = get_type_hints(config_type)
    for name, variable in VARIABLES.items():
        text = os.environ.get(variable, "").strip()
        if name in known and name not in values and text:
            values[name] = _value(name, variable, text, hints[name])
    try:
        return build(config_type, values)
    except InputError as problem:
        hint = next((VARIABLES[n] for n in values if n not in given and n.replace("_", "-") in str(problem)), None)
        raise InputError(f"${hint}: {problem}" if hint else str(problem)) from None


def required(config: Any, *names: str) -> None:
    """Check that settings without a default are given.

    Raises:
        InputError: one is missing; the message names the option and the environment variable.
    """
    for name in names:
        if getattr(config, name) is None:
            where = f"give --{name.replace('_', '-')}, or set {VARIABLES[name]} in {config.env_file} or the environment"
            raise InputError(f"no {name.replace('_', ' ')}; {where}")


def _load_env_file(path: Path | None) -> None:
    from dotenv import dotenv_values

    file = path or Path(".env")
    if not file.is_file():
        if path is not None:
            raise InputError(f"--env-file {path} does not exist; omit it, or name a file with NAME=value lines")
        return
    try:
        found = dotenv_values(file)
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not text"
        raise InputError(f"settings {file} cannot be read ({reason})") from None
    for name, value in found.items():
        if value and not os.environ.get(name):
            os.environ[name] = value


def _value(name: str, variable: str, text: str, hint: Any) -> Any:
    if name == "capacity":
        if text.lower() not in (*_YES, *_NO):
            raise InputError(f"${variable} is {text!r}, allowed: true or false")
        return CAPACITIES[text.lower() in _YES]
    if name == "prefix":
        return text.strip("/")
    if hint in (int, int | None):
        if not (text.isascii() and text.isdigit()):
            raise InputError(f"${variable} is {shown(text)}, which is not a whole number")
        return integer(text)
    return text
