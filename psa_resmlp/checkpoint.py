"""mnist_lkg.safetensors: the best network, the damaged copy that goes on, and where the trial stands.

Tensors are named lkg.<parameter> and active.<parameter>. The metadata holds meta_loop, bounty_percent, bounty_loop,
mode, architecture, family, dataset, trial, random_state (seed and streams' position), ablation, and history, a list of
all meta-loops, from which metrics.csv can be written again. Streams of random numbers are functions of the seed and the
meta-loop's number, so these two are the whole random state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.errors import InputError
from common.runs.files import atomic_writer
from psa_resmlp.ablation import Ablation, apply
from psa_resmlp.architectures import parse
from psa_resmlp.clean import CHECKPOINT
from psa_resmlp.job import Job, Loop

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "psa_resmlp 1"


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        lkg: the best network, by parameter.
        known: False where the file has no metadata of ours: its bounty must be measured.
    """

    lkg: dict[str, Tensor]
    known: bool


def path_of(folder: Path, trial: int, trials: int) -> Path:
    """Where a trial's checkpoint lies: in the model folder, or where there are several in trial_<number>/ of it."""
    return folder / CHECKPOINT if trials == 1 else folder / f"trial_{trial:02d}" / CHECKPOINT


def save(path: Path, job: Job, lkg: Mapping[str, Tensor], images: int) -> None:
    """Write the file, whole or not at all.

    Args:
        path: the file; its folder is made.
        job: where the trial stands.
        lkg: its best network, by parameter, on the CPU.
        images: number of validation images.
    """
    from safetensors.torch import save as to_bytes

    active = {name: tensor.clone() for name, tensor in lkg.items()}
    if job.ablation is not None:
        apply(job.ablation, active)
    tensors = {
        f"{kind}.{name}": value for kind, state in (("lkg", lkg), ("active", active)) for name, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(path) as stream:
        stream.write(to_bytes(tensors, metadata(job, images)))


def metadata(job: Job, images: int) -> dict[str, str]:
    """The metadata of the file; safetensors allows strings only."""
    return {
        "format": FORMAT,
        "meta_loop": str(job.loop),
        "bounty_percent": repr(100 * job.bounty_hits / images),
        "bounty_loop": str(job.bounty_loop),
        "bounty_hits": str(job.bounty_hits),
        "mode": job.mode,
        "architecture": str(job.architecture),
        "family": job.config.family,
        "dataset": job.config.dataset,
        "trial": str(job.trial),
        "random_state": json.dumps({"seed": job.seed, "trial": job.trial, "meta_loop": job.loop}),
        "ablation": json.dumps(asdict(job.ablation) if job.ablation else None),
        "before": json.dumps(job.before),
        "history": json.dumps([astuple(loop) for loop in job.loops]),
    }


def load(path: Path, job: Job) -> Stored | None:
    """Read the file, if there is one, and bring the job to where it stands.

    Raises:
        InputError: it cannot be read, or belongs to another network, dataset, trial or seed.
    """
    if not path.is_file():
        return None
    try:
        tensors, facts = _read(path)
    except Exception as problem:  # noqa: BLE001 - readers raise many kinds for damaged files
        raise InputError(f"checkpoint {path} cannot be read ({_line(problem)}); {_advice(path)}") from None
    if facts.get("format") != FORMAT:
        return Stored(_foreign(path, job, tensors), known=False)
    _check(path, job, facts)
    position = json.loads(facts["random_state"])
    job.seed = position["seed"]
    job.loops[:] = [Loop(*values) for values in json.loads(facts["history"])]
    job.before = tuple(json.loads(facts["before"]))
    damage = json.loads(facts["ablation"])
    job.ablation = Ablation(**damage) if damage else None
    return Stored({name[4:]: value for name, value in tensors.items() if name.startswith("lkg.")}, known=True)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors and metadata of a safetensors file, or what a pickle of tensors and plain values holds."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = sorted(file.keys(), key=_natural)
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except SafetensorError:
        import torch

        # As a stream: by its name, newer PyTorch would take the pickle for a safetensors file.
        with open(path, "rb") as stream:
            return torch.load(stream, map_location="cpu", weights_only=True), {}


def _check(path: Path, job: Job, facts: Mapping[str, str]) -> None:
    wanted = {"architecture": str(job.architecture), "family": job.config.family, "dataset": job.config.dataset}
    wanted["trial"] = str(job.trial)
    found = {**facts, "architecture": str(parse(facts["architecture"]))}
    for name, value in wanted.items():
        if found[name] != value:
            raise InputError(f"checkpoint {path} holds {name} {found[name]}, not {value}; {_advice(path)}")
    seed = json.loads(facts["random_state"])["seed"]
    if job.config.seed not in (None, seed):
        raise InputError(f"checkpoint {path} has the seed {seed}, not {job.config.seed}; {_advice(path)}")


def _advice(path: Path) -> str:
    return f"psa-clean --model-dir {path.parent} removes it, or name another --model-dir"


def _foreign(path: Path, job: Job, content: Any) -> dict[str, Tensor]:
    """The network of a file of the published program: a state by itself, or among other things.

    Names of parameters differ between programs; what counts is their order, which is that of the signal.
    """
    from psa_resmlp.network import shapes

    needed = shapes(job.architecture, job.config.family)
    state = _state_in(content)
    if set(state) == set(needed):
        state = {name: state[name] for name in needed}
    if [tuple(value.shape) for value in state.values()] != list(needed.values()):
        raise InputError(
            f"checkpoint {path} holds another network than {job.architecture} of {job.config.family}; {_advice(path)}"
        )
    return dict(zip(needed, (value.float() for value in state.values()), strict=True))


def _state_in(content: Any) -> dict[str, Tensor]:
    """The first mapping of names to tensors in what was read; one whose key speaks of the LKG comes first."""
    import torch

    if not isinstance(content, Mapping):
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor) and value.dim()}
    inner = sorted(content, key=lambda name: "lkg" not in str(name).lower())
    return own or next((state for name in inner if (state := _state_in(content[name]))), {})


def _natural(name: str) -> list[Any]:
    """Sorts linears.10 behind linears.9, and a weight before its bias, as PyTorch orders them."""
    parts = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name)]
    return [*parts[:-1], (1, 0, parts[-1][2].replace("weight", "a-weight"))]


def _line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__
