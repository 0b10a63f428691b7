"""The CreateTrainingJob request of a job, and the container image it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psa_resmlp.sagemaker.bucket import Bucket
from psa_resmlp.sagemaker.code import START, Code
from psa_resmlp.sagemaker.names import JobName
from psa_resmlp.sagemaker.options import JobConfig

ROOT = "/opt/ml"
DATA = "data"
# AWS's Deep Learning Containers: the registry's account, and the version of PyTorch.
IMAGE_ACCOUNT, IMAGE_VERSION = "763104351884", "2.8.0"
IMAGE_TAGS = {"cpu": "cpu-py312-ubuntu22.04-sagemaker", "gpu": "gpu-py312-cu129-ubuntu22.04-sagemaker"}
INTERNAL_ERRORS = 3


def default_image(region: str, domain: str, instance_type: str) -> str:
    """AWS's container with PyTorch for a machine with or without a GPU, in the registry of the region."""
    family = instance_type.split(".")[1]
    kind = "gpu" if family.startswith(("g", "p")) else "cpu"
    return f"{IMAGE_ACCOUNT}.dkr.ecr.{region}.{domain}/pytorch-training:{IMAGE_VERSION}-{IMAGE_TAGS[kind]}"


def hyperparameters(name: JobName, shared: Mapping[str, Any]) -> dict[str, str]:
    """The job's options of psa-train, as strings, which is all that SageMaker accepts."""
    values = {"arch": str(name.cell.architecture), "ablation-mode": name.cell.mode}
    for option, value in shared.items():
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        if text:
            values[option.replace("_", "-")] = text
    return values


def training_job(
    name: JobName, config: JobConfig, shared: Mapping[str, Any], bucket: Bucket, code: Code, image: str
) -> dict[str, Any]:
    """The request for a job.

    Args:
        name: the job's name.
        config: machine, role and limits.
        shared: the study's settings.
        bucket: the study's folder.
        code: the code it runs, uploaded already.
        image: the container image.
    """
    channels = [_channel("code", bucket.uri(code.folder))]
    if shared["dataset"] == "mnist":
        channels.append(_channel("training", bucket.uri(DATA)))
    limits = {"MaxRuntimeInSeconds": config.max_run_seconds}
    if config.capacity == "spot":
        limits["MaxWaitTimeInSeconds"] = config.wait_s
    return {
        "TrainingJobName": name.text,
        "RoleArn": config.role,
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["bash", f"{ROOT}/input/data/code/{START}"],
        },
        "HyperParameters": hyperparameters(name, shared),
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": bucket.uri()},
        "CheckpointConfig": {
            # One folder for all attempts, so that a later one goes on from an earlier one.
            "S3Uri": bucket.uri(f"checkpoints/{name.cell.folder}"),
            "LocalPath": f"{ROOT}/checkpoints",
        },
        "ResourceConfig": {
            "InstanceType": config.instance_type,
            "InstanceCount": 1,
            "VolumeSizeInGB": config.volume_gb,
        },
        "StoppingCondition": limits,
        "EnableManagedSpotTraining": config.capacity == "spot",
        "RetryStrategy": {"MaximumRetryAttempts": INTERNAL_ERRORS},  # of SageMaker's own errors, not of the job's
    }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{uri}/", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}
