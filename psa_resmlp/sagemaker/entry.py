"""The program of a SageMaker job (start.sh calls it in the container): psa-train with SageMaker's folders.

    <root>/input/config/hyperparameters.json     options of psa-train (or $SM_HPS)
    <root>/input/data/training/                  MNIST (or $SM_CHANNEL_TRAINING)
    <root>/checkpoints/                          copied to the bucket, and back after an interruption: models/ with
                                                 one checkpoint per trial, run/ with the run folder
    <root>/model/                                the finished networks (or $SM_MODEL_DIR): model.tar.gz
    <root>/output/data/                          results, metrics, log (or $SM_OUTPUT_DATA_DIR): output.tar.gz
    <root>/output/failure                        the reason why a job failed

Results are written only when all trials have all their meta-loops.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.cli import Parser, add_options, build, run_command
from common.errors import InputError, Interrupted
from common.inputs import parse_json, read_json
from common.runs.files import write_json
from common.runs.folder import META
from common.runs.lock import RUN_LOCK
from common.runs.read import read_meta
from psa_resmlp.sagemaker.code import name_commit
from psa_resmlp.sagemaker.results import RESULTS, from_run
from psa_resmlp.train import run as train_here
from psa_resmlp.training.config import TrainConfig

DESCRIPTION = """\
Train one job of psa-sagemaker-run inside its container. Options of psa-train come from SageMaker's hyperparameters;
those on the command line take precedence. After an interruption it goes on from the checkpoints.

example: python -m psa_resmlp.sagemaker.entry --root /opt/ml
"""
ROOT = Path("/opt/ml")
# Options of the published program that have another name here, or that SageMaker's folders replace.
RENAMED = {"num-runs": "trials"}
IGNORED = ("model-dir", "data-root", "debug")
COPIED = ("metrics.csv", "run_meta.json", "train_log.txt")
FAILURE_LETTERS = 1024  # SageMaker shows no more


def main(argv: Sequence[str] | None = None) -> int:
    """The program of the container; see DESCRIPTION."""
    words = list(sys.argv[1:] if argv is None else argv)
    root = _root(words)
    name_commit()
    return run_command("psa-sagemaker-entry", lambda: _reported(root, lambda: _work(root, words)))


def train(config: TrainConfig, root: Path) -> Path:
    """Train every trial up to meta-loop `meta_loops`, from the checkpoints if there are any, and write the results.

    Args:
        config: the options of psa-train; its folders are set here.
        root: SageMaker's folder.

    Returns:
        The folder with the results.

    Raises:
        InputError, RunError, Interrupted: as psa-train.
    """
    checkpoints = root / "checkpoints"
    _set_damaged_aside(checkpoints)
    own: dict[str, Any] = {"model_dir": checkpoints / "models", "until_loop": config.meta_loops}
    folder = checkpoints / "run"
    folder.mkdir(parents=True, exist_ok=True)
    run = train_here(replace(config, **own), folder, resume=(folder / META).is_file())
    models = _folder("SM_MODEL_DIR", root / "model")
    for path in sorted((checkpoints / "models").rglob("*.safetensors")):
        target = models / path.relative_to(checkpoints / "models")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    results = _folder("SM_OUTPUT_DATA_DIR", root / "output" / "data")
    for name in COPIED:
        shutil.copyfile(run / name, results / name)
    # Written last: where it exists, the other files do.
    write_json(results / RESULTS, from_run(run))
    return results


def hyperparameters(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """SageMaker's hyperparameters; those of its own toolkit (sagemaker_...) are left out.

    Raises:
        InputError: they are not a JSON object.
    """
    source = environ.get("SM_HPS")
    file = root / "input" / "config" / "hyperparameters.json"
    if source is None and not file.is_file():
        return {}
    try:
        found = read_json(file, "hyperparameters") if source is None else parse_json(source, "hyperparameters $SM_HPS")
        return {str(name): _plain(value) for name, value in found.items() if not str(name).startswith("sagemaker_")}
    except (InputError, RecursionError):
        raise InputError(f"hyperparameters in {file if source is None else '$SM_HPS'} are not a JSON object") from None


def _set_damaged_aside(checkpoints: Path) -> None:
    """Rename files that came back damaged from the bucket: their part is trained again, to the same numbers."""
    from safetensors import SafetensorError, safe_open

    for path in sorted((checkpoints / "models").rglob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy"):
                pass
        except SafetensorError as problem:
            print(f"{path}: is damaged ({problem}); that trial starts again", flush=True)
            path.replace(path.with_name(f"{path.name}.damaged"))
    # A lock from the bucket is that of an earlier machine, which is gone: a job has one container at a time.
    for path in checkpoints.rglob(RUN_LOCK):
        path.unlink()
    run = checkpoints / "run"
    try:
        if (run / META).exists():
            read_meta(run)
    except InputError as problem:
        print(f"{problem}; it is written again", flush=True)
        (run / META).unlink()


def _work(root: Path, words: Sequence[str]) -> int:
    parser = Parser(prog="psa-sagemaker-entry", description=DESCRIPTION)
    parser.add_argument("--root", type=Path, metavar="DIR", help=f"SageMaker's folder (default: {ROOT})")
    add_options(parser, TrainConfig)
    given = vars(parser.parse_args([*_as_options(hyperparameters(root, os.environ)), *map(_renamed, words)]))
    given.pop("root")
    if "data_root" not in given:
        training = Path(os.environ.get("SM_CHANNEL_TRAINING") or root / "input" / "data" / "training")
        given["data_root"] = training if training.is_dir() else None
    train(build(TrainConfig, given), root)
    return 0


def _as_options(found: Mapping[str, str]) -> list[str]:
    named = {RENAMED.get(name, name): value for name, value in found.items() if name not in IGNORED}
    return [f"--{name}={value}" for name, value in named.items() if value != ""]


def _renamed(word: str) -> str:
    """A word of the command line, an option of the published program under its name here."""
    flag, equals, value = word.partition("=")
    name = flag.removeprefix("--").replace("_", "-")
    return f"--{RENAMED[name]}{equals}{value}" if flag.startswith("--") and name in RENAMED else word


def _plain(value: Any) -> str:
    """A hyperparameter as text; SageMaker's own toolkit writes strings as JSON, with quotes."""
    text = value if isinstance(value, str) else json.dumps(value)
    return str(json.loads(text)) if text.startswith('"') and text.endswith('"') and len(text) > 1 else text


def _root(words: Sequence[str]) -> Path:
    """The value of --root, needed before parsing as the hyperparameters lie below it."""
    for place, word in enumerate(words):
        if word.startswith("--root="):
            return Path(word.partition("=")[2])
        if word == "--root" and place + 1 < len(words):
            return Path(words[place + 1])
    return ROOT


def _folder(variable: str, default: Path) -> Path:
    folder = Path(os.environ.get(variable) or default)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _reported(root: Path, work: Callable[[], int]) -> int:
    """Do the work; the reason of a failure is also written to output/failure, which SageMaker reads."""
    try:
        return work()
    except Interrupted:
        raise
    except SystemExit as stop:
        if stop.code not in (0, None):
            _fail(root, "the options are wrong; the log says which")
        raise
    except Exception as problem:
        _fail(root, " ".join(str(problem).split()) or type(problem).__name__)
        raise


def _fail(root: Path, reason: str) -> None:
    (root / "output").mkdir(parents=True, exist_ok=True)
    (root / "output" / "failure").write_text(reason[:FAILURE_LETTERS] + "\n")


if __name__ == "__main__":
    sys.exit(main())
