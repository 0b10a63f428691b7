"""The smallest training of every suite, how to go on with it, and what of its files must not depend on a kill."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from common.tensor_files import parse_content

META = "run_meta.json"
CLOCKS = re.compile(r"(^|_)(s|seconds|started|ended|heartbeat|stamp|timestamp|created)$|^timing")
# Logs mention the stop; pictures draw what the numbers say; a checkpoint holds the seconds of all epochs.
SKIPPED = re.compile(
    r".*(\.(png|pdf|svg|txt|jsonl|lock|sh)|run_meta\.json|checkpoint[^/]*|launcher\.json|manifest\.json|summary\.json)"
    r"|.*/(DONE|FAILED|BEGUN|latest)"
)


@dataclass(frozen=True)
class Suite:
    """A command under test.

    Attributes:
        module: whose main() is called.
        words: its command line; the run folder is `run` where `resumes` is true.
        preload: heavy modules, so that starts are quick.
        resumes: goes on with --resume where the run folder has begun, else with the same words.
        folder: what is compared, below the folder of the start.
    """

    module: str
    words: tuple[str, ...]
    preload: tuple[str, ...] = ()
    resumes: bool = True
    folder: str = "run"

    def again(self, folder: Path) -> tuple[str, ...]:
        """The words with which a user goes on after a kill; none if the run is done and only its process was left."""
        meta = folder / self.folder / META
        if not self.resumes or not meta.exists():
            return self.words
        return () if json.loads(meta.read_text())["status"] == "done" else ("--resume", self.folder)


def split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SUITES = {
    "nmos": Suite(
        "analog_nmos.auto_prune_trainer",
        split(
            "1 --backend native --epochs 4 --train-limit 40 --test-limit 20 --gamma 3 --vg-init-lo 0.4 --vg-init-hi 1.5"
        )
        + split("--vg-cutoff-ratio 1 --vg-cutoff-epochs 1 --run-dir run"),
        (
            "analog_nmos.training.trainer",
            "analog_nmos.backends.native.backend",
            "matplotlib.figure",
            "sklearn.datasets",
        ),
    ),
    "magnetoionic": Suite(
        "magnetoionic.main",
        split("--task digits --layers 8 --batch_size 128 --epochs 3 --n_models 2 --lr 1000 --threads 1 --run-dir run"),
        ("torch", "magnetoionic.simulation", "sklearn.datasets"),
    ),
    "psa": Suite(
        "psa_resmlp.train",
        split(
            "--dataset digits --arch [1*4] --ablation-mode hidden --meta-loops 3 --trials 2 --threads 1 --run-dir run"
        )
        + split("--model-dir models"),
        ("torch", "psa_resmlp.training.trainer", "safetensors.torch", "sklearn.datasets"),
    ),
    "aanntwin": Suite(
        "aanntwin.main",
        split("--dataset-name digits --count-epoch 2 --model-params-conv-out-channels 2 --train-params-batch-size 64")
        + split("--threads 1 --cache-dir cache"),
        ("torch", "aanntwin.session", "safetensors.torch", "sklearn.datasets"),
        resumes=False,
        folder="cache",
    ),
    "corruption": Suite(
        "corruption_study.run_experiments",
        split("--dataset digits --activations relu --repeats 2 --epochs 2 --ps 0.5 --hidden-sizes 8 --max-workers 1")
        + split("--max-train-samples 200 --stack 2 --run-dir run"),
        ("torch", "corruption_study.trainer", "distributed", "sklearn.datasets"),
        resumes=False,
    ),
    "sweep": Suite(
        "analog_nmos.dense_sweep",
        split("--gamma 0.3 --delta 0.1 --margin 0.02,0.05 --body-tie ground --vg fix4 --seed 0 --epochs 2 --workers 1")
        + split("--train-limit 20 --test-limit 10 --sweep-dir run"),
        ("analog_nmos.training.trainer", "distributed", "sklearn.datasets"),
        resumes=False,
    ),
}


def contents(folder: Path) -> dict[str, object]:
    """Every number that a training left, by file, without clocks."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        skipped = path.is_symlink() or SKIPPED.fullmatch("/" + name) or CLOCKS.search(path.stem)
        if path.is_file() and not skipped and not name.endswith(".tmp"):
            found[name] = READ.get(path.suffix, Path.read_bytes)(path)
    return found


def leftovers(folder: Path) -> list[str]:
    """Temporary files that were not removed."""
    return [str(path.relative_to(folder)) for path in folder.rglob(".*") if path.name.endswith(".tmp")]


def without_clocks(value: object) -> object:
    if isinstance(value, dict):
        return {key: without_clocks(item) for key, item in value.items() if not CLOCKS.search(str(key))}
    return [without_clocks(item) for item in value] if isinstance(value, list) else value


def csv(path: Path) -> str:
    table = pd.read_csv(path)
    return table[[name for name in table if not CLOCKS.search(name)]].to_csv(index=False)


def arrays(path: Path) -> dict[str, bytes]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].tobytes() for name in archive.files}


def tensors(path: Path) -> dict[str, bytes]:
    """By name, as a safetensors file has its metadata in any order."""
    found, _ = parse_content(path.read_bytes(), str(path))
    named = found if isinstance(found, dict) else {"": found}
    return {name: value.numpy().tobytes() for name, value in named.items()}


READ: dict[str, Callable[[Path], object]] = {
    ".csv": csv,
    ".json": lambda path: without_clocks(json.loads(path.read_text())),
    ".npz": arrays,
    ".pth": tensors,
    ".safetensors": tensors,
}
