"""What SageMaker does with a job: folders from the bucket, the container's program, folders back to the bucket."""

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import waiting
from cloud import BUCKET, GROUP


def fill(cloud, name, root):
    """Hyperparameters, channels and checkpoints of a job, below `root`."""
    job = cloud.jobs[name]
    config = root / "input/config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(json.dumps(job.hyper_parameters))
    for channel in job.input_data_config:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        fetch(cloud, uri, root / "input/data" / channel["ChannelName"])
    fetch(cloud, job.checkpoint_config["S3Uri"] + "/", root / "checkpoints")


def start(cloud, name, root):
    """Start the container's program of a job, with the tests' Python in place of the image's."""
    words = cloud.jobs[name].algorithm_specification["ContainerEntrypoint"]
    return subprocess.Popen(
        [word.replace("/opt/ml", str(root)) for word in words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def environment(**more):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    hidden = ("RUN_DIR", "SAGEMAKER_MODEL_DIR", "PYTHONPATH")
    return {**{k: v for k, v in os.environ.items() if k not in hidden}, "PATH": path, **more}


def finish(cloud, name, root, out, code):
    """Checkpoints, archives and log go back; the job has ended."""
    job = cloud.jobs[name]
    store(cloud, root / "checkpoints", job.checkpoint_config["S3Uri"])
    target = f"{job.output_data_config['S3OutputPath']}/{name}/output"
    for folder, archive in (("model", "model.tar.gz"), ("output/data", "output.tar.gz")):
        if (root / folder).is_dir():
            put(cloud, f"{target}/{archive}", packed(root / folder))
    stream = f"{name}/algo-1-{int(time.time() * 1000)}"
    cloud.logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    events = [{"timestamp": int(time.time() * 1000), "message": line} for line in out.splitlines() if line]
    cloud.logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
    cloud.end(name, "Completed" if code == 0 else "Failed", seconds=300)


def run(cloud, name, root):
    """A job from begin to end; returns its log."""
    fill(cloud, name, root)
    process = start(cloud, name, root)
    out, _ = waiting.finish(process)
    finish(cloud, name, root, out, process.returncode)
    return out


def packed(folder):
    """A folder as SageMaker packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False)
    return buffer.getvalue()


def archive(files):
    """An archive of texts by name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            content = text if isinstance(text, bytes) else text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def fetch(cloud, uri, folder):
    prefix = uri.removeprefix(f"s3://{BUCKET}/")
    folder.mkdir(parents=True, exist_ok=True)
    for key in cloud.paths(prefix):
        path = folder / key.removeprefix(prefix).lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cloud.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def store(cloud, folder, uri):
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            put(cloud, f"{uri}/{path.relative_to(folder)}", path.read_bytes())


def put(cloud, uri, content):
    cloud.s3.put_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"), Body=content)
