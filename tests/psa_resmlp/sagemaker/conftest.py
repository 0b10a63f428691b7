"""A cloud on loopback, and commands that use it."""

import pickle
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for cloud and container

pytest.importorskip("moto")
from botocore.loaders import JSONFileLoader
from cloud import Cloud


@pytest.fixture(scope="session", autouse=True)
def quick_clients():
    """Every command makes clients of its own, and botocore reads their descriptions, megabytes of JSON, each time."""
    original, known = JSONFileLoader.load_file, {}

    def load_file(self, path):
        if path not in known:
            known[path] = pickle.dumps(original(self, path))
        return pickle.loads(known[path])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", load_file)
        yield


@pytest.fixture(scope="session")
def server():
    with Cloud() as found:
        yield found


@pytest.fixture
def cloud(server):
    """The server, with nothing left of other tests."""
    server.begin()
    return server


@pytest.fixture
def aws(command, cloud):
    """Run a command of psa_resmlp.sagemaker as a process to its end."""
    return lambda module, *words, **options: command(f"sagemaker.{module}", *words, **{**cloud.env, **options})


@pytest.fixture
def aws_here(here, cloud, monkeypatch):
    """As `aws`, but inside this process."""

    def run(module, *words, code=0, **environment):
        for name, value in {**cloud.env, **environment}.items():
            monkeypatch.setenv(name, value)
        return here(f"sagemaker.{module}", *words, code=code)

    return run
