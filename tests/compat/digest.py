"""What a run came to, in a form to keep in a file and compare: metrics, result, and a digest of each array."""

import csv
import hashlib
import json
import math
from importlib import metadata
from pathlib import Path

import numpy as np

from common.runs.result import read_result

# Arrays and columns that say how long something took, or whether it came from a cache.
TIMES = ("_s", "seconds", "cached")
OTHERS = ("checkpoint",)  # begins the names of files that hold more than what came out
# Results of a sweep that the vocabulary of results does not know: tests of a model, which are no run's.
TESTS = {"loss": "final_test_loss", "accuracy": "final_test_acc"}


def machine():
    """What the last bits may depend on beside the code: the processor's kind and the libraries that compute."""
    from llvmlite import binding

    versions = {name: metadata.version(name) for name in ("numpy", "numba", "scipy", "torch")}
    return {"cpu": binding.get_host_cpu_name(), **versions}


def digest_all(place):
    """The digest of every run below a folder, by its path in there."""
    found = sorted({path.parent for name in ("run_meta.json", "tests.jsonl") for path in place.rglob(name)})
    return {str(folder.relative_to(place)): digest(folder) for folder in found}


def digest(folder):
    """Metrics (rows by column, as text), result and arrays of a run folder."""
    return {"metrics": metrics(folder), "result": result(folder), "arrays": arrays(folder)}


def metrics(folder):
    """metrics.csv as a list of rows, without times."""
    if not (folder / "metrics.csv").exists():
        return []
    with open(folder / "metrics.csv", newline="") as stream:
        return [{k: v for k, v in row.items() if not k.endswith(TIMES)} for row in csv.DictReader(stream)]


def result(folder):
    """The result in run_meta.json, and of a sweep's run what DONE says beside it."""
    found = {}
    if (folder / "DONE").exists():
        found = json.loads((folder / "DONE").read_text().partition("\n")[0])["result"]
    if (folder / "run_meta.json").exists():
        found |= json.loads((folder / "run_meta.json").read_text()).get("result") or {}
    return found


def arrays(folder):
    """A digest of every array and tensor below a run folder, by the path of its file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.stem.endswith(TIMES) or path.name.startswith(OTHERS):
            continue
        if (content := _content(path)) is not None:
            sha = hashlib.sha256()
            for name in sorted(content):
                array = np.ascontiguousarray(content[name])
                sha.update(f"{name} {array.dtype} {array.shape}\n".encode() + array.tobytes())
            found[str(path.relative_to(folder))] = sha.hexdigest()[:16]
    return found


def _content(path):
    """The arrays of a file by their names; None for a file that holds none."""
    match path.suffix:
        case ".npy":
            return {"": np.load(path)}
        case ".npz":
            with np.load(path) as archive:
                return {name: archive[name] for name in archive.files if archive[name].dtype.kind in "biuf"}
        case ".jsonl" if path.name == "tests.jsonl":
            return {"": np.array([list(json.loads(line).values()) for line in path.read_text().splitlines()])}
        case ".safetensors":
            from safetensors.numpy import load_file

            return load_file(path)
        case ".pth":
            import torch

            loaded = torch.load(path, weights_only=True)
            tensors = loaded if isinstance(loaded, dict) else {"": loaded}
            return {name: tensor.numpy() for name, tensor in tensors.items()}
    return None


def differences(found, expected, *, exact, tolerance):
    """What differs between two digests, in lines; none if they agree.

    Args:
        found: of the run as the code of today leaves it; its result may use the words that all suites share.
        expected: of the same run by the earlier version.
        exact: to the last bit and with all arrays; else numbers to `tolerance` relative, and no arrays.
    """
    lines = []
    if len(found["metrics"]) != len(expected["metrics"]):
        lines.append(f"{len(found['metrics'])} rows of metrics, not {len(expected['metrics'])}")
    for number, (mine, theirs) in enumerate(zip(found["metrics"], expected["metrics"], strict=False)):
        for name, value in theirs.items():
            if not _same_text(mine.get(name), value, exact, tolerance):
                lines.append(f"row {number}, {name}: {mine.get(name)}, not {value}")
    lines += _result_differences(found["result"], expected["result"], 0.0 if exact else tolerance)
    if exact:
        for name, sha in expected["arrays"].items():
            if found["arrays"].get(name) != sha:
                lines.append(f"{name}: {'other numbers' if name in found['arrays'] else 'missing'}")
    return lines


def _same_text(mine, theirs, exact, tolerance):
    if mine == theirs:
        return True
    try:
        return not exact and math.isclose(float(mine), float(theirs), rel_tol=tolerance, abs_tol=tolerance)
    except (TypeError, ValueError):
        return False


def _result_differences(found, expected, tolerance):
    """As `differences`, for results: in the words that all suites share, whichever version has written them."""
    mine, theirs = (_columns(result) for result in (found, expected))
    lines = []
    for name, value in theirs.items():
        if name == "selected_epoch" and len(theirs.get("trials", ())) > 1:  # each trial says its own
            continue
        places = (name, TESTS.get(name), f"final_{name}")  # some numbers stood there twice, by two names
        other = next((mine[place] for place in places if place in mine), None)
        if not _same(other, value, tolerance):
            lines.append(f"result {name}: {other}, not {value}")
    return lines


def _columns(result):
    read = read_result({"result": result})
    return {} if read is None else read.columns()


def _same(mine, theirs, tolerance):
    """Whether two parts of a result agree; a percentage that has become a fraction may have been rounded once more."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        return all(_same(mine.get(name), value, tolerance) for name, value in theirs.items())
    if isinstance(theirs, list) and isinstance(mine, list):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs, [tolerance] * len(mine)))
    if isinstance(theirs, float) and isinstance(mine, (int, float)):
        tolerance = tolerance or 1e-15
        return mine == theirs or math.isclose(mine, theirs, rel_tol=tolerance, abs_tol=tolerance)
    return mine == theirs


def write(path, machine_facts, runs):
    """Write digests with the machine that they hold for, a run a line."""
    body = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in runs.items())
    Path(path).write_text(f'{{"machine": {json.dumps(machine_facts)},\n"runs": {{\n{body}\n}}}}\n')


def read(path):
    """The runs of such a file, and whether bits may be compared here."""
    content = json.loads(Path(path).read_text())
    return content["runs"], content["machine"] == machine()
