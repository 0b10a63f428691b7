"""Devices are resolved or refused in one line, and thread counts reach the libraries that are loaded."""

import json
import os
import subprocess
import sys

import pytest

from common import devices
from common.errors import InputError


def run_python(code: str, **environment: str) -> str:
    """Run code in a fresh interpreter, whose thread pools have not started, and return what it prints."""
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    env = {**kept, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_and_wrong_names_load_no_torch():
    code = """
import sys, common.devices as d
try: d.resolve_device("gpu")
except ValueError as error: print(error)
d.check_device_name("cuda:1"); d.describe_device("cpu"); d.set_threads(1)
print(sorted({"torch", "numba", "numpy"} & set(sys.modules)))
"""
    message, loaded = run_python(code).splitlines()
    assert message == "device is 'gpu', allowed: auto, cpu, cuda, cuda:N or mps"
    assert loaded == "[]"


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "cpu:0", "cuda 1"])
def test_misspelled_device(name):
    with pytest.raises(InputError, match="allowed: auto, cpu, cuda, cuda:N or mps"):
        devices.check_device_name(name)


@pytest.mark.parametrize(
    ("available", "name", "expected"),
    [
        (["cuda:0", "cuda:1", "cpu"], "auto", "cuda:0"),
        (["mps", "cpu"], "auto", "mps"),
        (["cpu"], "auto", "cpu"),
        (["cuda:0", "cuda:1", "cpu"], "cuda", "cuda:0"),
        (["cuda:0", "cuda:1", "cpu"], "cuda:01", "cuda:1"),
        (["cuda:0", "cpu"], "CPU", "cpu"),
    ],
)
def test_resolve(monkeypatch, available, name, expected):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(devices, "available_devices", lambda: available)
    assert devices.resolve_device(name) == torch.device(expected)


@pytest.mark.parametrize("name", ["cuda:2", "mps"])
def test_absent_device_lists_those_that_are_here(monkeypatch, name):
    pytest.importorskip("torch")
    monkeypatch.setattr(devices, "available_devices", lambda: ["cuda:0", "cuda:1", "cpu"])
    with pytest.raises(InputError) as caught:
        devices.resolve_device(name)
    assert str(caught.value) == f"device {name} is not available, allowed here: auto, cuda:0, cuda:1, cpu"


def test_cpu_is_always_available_and_found_last():
    pytest.importorskip("torch")
    assert devices.available_devices()[-1] == "cpu"
    assert str(devices.resolve_device("cpu")) == "cpu"


def test_resolved_cuda_device_equals_that_of_its_tensors():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA GPU here")
    device = devices.resolve_device("cuda")
    assert torch.zeros(1, device=device).device == device
    assert torch.cuda.get_device_name(0) in devices.describe_device(device)


def test_describe_cpu_is_one_line():
    line = devices.describe_device("cpu")
    assert line.startswith("cpu: ")
    assert line.endswith(f", {devices.available_cores()} cores available")
    assert "\n" not in line


def test_available_cores_follow_the_affinity():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no affinity on this system")
    code = """
import os, common.devices as d
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(d.available_cores(), d.set_threads(0))
"""
    assert run_python(code) == "1 1"


@pytest.mark.parametrize("count", [-1, 1025, 10**12])
def test_numbers_of_threads_that_cannot_be(count):
    with pytest.raises(InputError, match=f"threads is {count}, allowed: 0 .* to 1024"):
        devices.set_threads(count)


def test_threads_reach_what_is_loaded_and_what_loads_later():
    pytest.importorskip("torch")
    code = """
import json, os
import numpy
from threadpoolctl import threadpool_info
import common.devices as d
out = {"returned": d.set_threads(1)}
out["blas"] = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
out["environment"] = [os.environ[k] for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
import numba, torch
out["later"] = [numba.get_num_threads(), torch.get_num_threads()]
print(json.dumps(out))
"""
    out = json.loads(run_python(code))
    assert out["returned"] == 1
    assert out["blas"]
    assert set(out["blas"]) == {1}
    assert out["environment"] == ["1", "1", "1"]
    assert out["later"] == [1, 1]


def test_threads_can_be_raised_again_where_numba_was_asked_for():
    pytest.importorskip("torch")
    code = """
import json, common.devices as d
d.available_cores = lambda: 2
counts = []
for n in (1, 2, 1, 3):
    counts.append([d.set_threads(n, libraries=("numba", "torch"))])
    import numba, torch
    counts[-1] += [numba.get_num_threads(), torch.get_num_threads()]
print(json.dumps(counts))
"""
    assert json.loads(run_python(code)) == [[1, 1, 1], [2, 2, 2], [1, 1, 1], [3, 2, 3]]  # of its pool, numba takes all


@pytest.mark.parametrize("before", ["", "import numba"])
def test_a_small_pool_of_numba_limits_no_other_library(before):
    pytest.importorskip("torch")
    code = f"""
import json, common.devices as d
{before}
returned = d.set_threads(2, libraries=("numba", "torch"))
import numba, torch
print(json.dumps([returned, torch.get_num_threads(), numba.get_num_threads()]))
"""
    returned, torch_threads, numba_threads = json.loads(run_python(code, NUMBA_NUM_THREADS="1"))
    assert (returned, torch_threads) == (2, 2)
    assert numba_threads <= 2
