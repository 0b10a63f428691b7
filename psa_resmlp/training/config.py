"""The options of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from common.cli import option
from common.devices import DEVICE_HELP, check_device_name
from common.errors import InputError
from psa_resmlp.study.architectures import FAMILIES, Architecture, build, parse
from psa_resmlp.study.data import DATASETS
from psa_resmlp.study.modes import MODES

ADAMW_DECAY, BLOCK_DROPOUT = "adamw-decay", "block-dropout"
COMPAT = (ADAMW_DECAY, BLOCK_DROPOUT)
COMPAT_HELP = (
    f"repeat a mistake of the recorded results: {ADAMW_DECAY}: decay 0.01 in all modes but decay; "
    f"{BLOCK_DROPOUT}: dropout 0.1 in the blocks of resmlp in all modes"
)


@dataclass(frozen=True, kw_only=True)
class HowConfig:
    """How it runs"""

    model_dir: Path | None = option(
        None, "folder of the checkpoints (default: $SAGEMAKER_MODEL_DIR, else models)", local=True
    )
    data_root: Path | None = option(None, "folder of MNIST (default: $NONIDEAL_DATA, else data)", local=True)
    device: str = option("auto", f"{DEVICE_HELP}; auto takes cuda, then mps, then cpu", local=True)
    threads: int = option(0, "threads of the CPU; 0: all cores", low=0, local=True)
    num_workers: int = option(
        4, "accepted and without effect: images lie in memory, so there are no loader processes", low=0, local=True
    )
    stack: int = option(0, "replicas trained side by side; 0: the fastest number, by measurement", low=0, local=True)
    debug: bool = option(False, "log how many train side by side, their step times, and damaged neurons", local=True)
    quiet: bool = option(False, "print nothing but errors", local=True)


@dataclass(frozen=True, kw_only=True)
class RecipeConfig:
    """How it learns"""

    family: str = option("resmlp", "networks with residual blocks (resmlp) or plain ones (mlp)", choices=FAMILIES)
    lr: float = option(1e-4, "learning rate of AdamW", above=0)
    batch_size: int = option(256, "images in a batch; the last one of an epoch may be smaller", low=1)
    weight_decay: float = option(1e-4, "weight decay in the mode decay", low=0)
    dropout: float = option(0.1, "dropout rate in the mode dropout", low=0, high=0.99)
    compat: tuple[str, ...] = option((), COMPAT_HELP, choices=COMPAT)
    dataset: str = option("mnist", "images; digits needs no download", choices=DATASETS)

    def check(self) -> None:
        """Raise InputError for settings that contradict each other."""
        if BLOCK_DROPOUT in self.compat and self.family != "resmlp":
            raise InputError(f"--compat {BLOCK_DROPOUT} is for the family resmlp; omit it for {self.family}")


@dataclass(frozen=True, kw_only=True)
class TrainConfig(RecipeConfig, HowConfig):
    """What is trained"""

    arch: str | None = option(None, 'count*width of every stack, e.g. "[18*18]" or "[4*4, 2*8]"')
    hidden_layers: tuple[int, ...] = option((1024,), "instead of --arch: widths, each of one layer or block", low=1)
    ablation_mode: str = option("none", "mode of the study", choices=MODES)
    meta_loops: int = option(100, "meta-loops to train now", low=1)
    until_loop: int | None = option(None, "stop at this meta-loop, counted from the first start", low=1)
    seed: int | None = option(None, "seed (default: the checkpoint's, else 0)", low=0)
    trials: int = option(1, "independent replicas, trained together", low=1, high=10_000)
    first_trial: int = option(1, "number of the first replica; results of a trial depend on its number alone", low=1)

    fresh: bool = option(
        False, "start anew in a new folder below the model folder, and leave the checkpoint there alone"
    )

    @property
    def numbers(self) -> range:
        """The numbers of the trials."""
        return range(self.first_trial, self.first_trial + self.trials)

    @property
    def architecture(self) -> Architecture:
        """The architecture of --arch, else of --hidden-layers.

        Raises:
            InputError: it cannot be read.
        """
        return parse(self.arch) if self.arch else build([(1, width) for width in self.hidden_layers])

    def check(self) -> None:
        """Raise InputError for settings that contradict each other."""
        super().check()
        check_device_name(self.device)
        architecture = self.architecture
        if self.arch and self.hidden_layers != (1024,) and architecture != build([(1, w) for w in self.hidden_layers]):
            raise InputError("--arch and --hidden-layers name different networks; give one of them")
