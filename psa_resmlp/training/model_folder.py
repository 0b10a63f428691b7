"""The folder of the checkpoints, and the names of the files in it."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError
from common.inputs import shorten
from common.plugins import label

if TYPE_CHECKING:
    from psa_resmlp.training.config import TrainConfig

CHECKPOINT = "mnist_lkg.safetensors"
# Only what psa-train and the reproduction script write into a model folder: a wrong --model-dir must not remove a
# user's own files.
MODEL_FILES = ("*.safetensors", "reproduced-*.done")
MODEL_DIR_VARIABLE = "SAGEMAKER_MODEL_DIR"


def default_model_dir() -> Path:
    """$SAGEMAKER_MODEL_DIR if set, else models."""
    return Path(os.environ.get(MODEL_DIR_VARIABLE) or "models")


def path_of(folder: Path, trial: int, trials: int) -> Path:
    """The path of a trial's checkpoint: in the model folder, or of several trials in its trial_<number>/."""
    return folder / CHECKPOINT if trials == 1 else folder / f"trial_{trial:02d}" / CHECKPOINT


def fresh_folder(models: Path, config: TrainConfig) -> Path:
    """Make a new folder below the model folder, e.g. 18x18_hidden_fresh-1, for a training that starts anew.

    Raises:
        InputError: it cannot be made.
    """
    for number in itertools.count(1):
        folder = models / f"{config.architecture.folder}_{label(config.ablation_mode)}_fresh-{number}"
        try:
            folder.mkdir()  # of two simultaneous calls only one succeeds
        except FileExistsError:
            continue
        except OSError as problem:
            raise InputError(f"model folder {shorten(folder)}: cannot be made ({problem.strerror})") from None
        return folder
    raise AssertionError("counting does not end")
