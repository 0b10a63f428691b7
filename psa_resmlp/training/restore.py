"""Read a checkpoint: ours, with where its trial stands, or a network of the published program.

Nothing in the file is believed: what it says of its trial must hold together, and its network be the one asked for.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from common.errors import InputError
from common.inputs import ARRAY_LIMIT, read_bytes
from common.tensor_files import check_finite, parse_content
from psa_resmlp.model.network import shapes
from psa_resmlp.scripts.clean import CHECKPOINT
from psa_resmlp.study.architectures import INPUTS, parse
from psa_resmlp.study.modes import get_mode
from psa_resmlp.training.ablation import apply, damageable
from psa_resmlp.training.checkpoint import FORMAT, KINDS, metadata
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.job import Job, Loop

if TYPE_CHECKING:
    from torch import Tensor

WHAT = "checkpoint"
_DAMAGED = (LookupError, TypeError, ValueError, RecursionError)
# What `checkpoint.metadata` makes from the trial's history alone.
_DERIVED = ("meta_loop", "bounty_loop", "bounty_hits", "random_state", "ablation", "before", "history")


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        lkg: the best network, by parameter.
        known: False where the file has no metadata of ours: its bounty must be measured.
    """

    lkg: dict[str, Tensor]
    known: bool


def load(path: Path, job: Job) -> Stored | None:
    """Read the file, if there is one, and bring the job to where it stands.

    Raises:
        InputError: it is damaged, or belongs to another network, dataset, trial or seed; the message says what helps.
    """
    if not path.exists():
        return None
    try:
        limit = ARRAY_LIMIT + 16 * job.architecture.parameters(job.config.family)
        content = read_bytes(path, WHAT, limit)
        tensors, facts = parse_content(content, f"{WHAT} {path}", limit=limit)
        if facts.get("format") != FORMAT:
            in_order = _in_order(tensors) if content[8:9] == b"{" else tensors  # safetensors keeps no order
            return Stored(_foreign(path, job, in_order), known=False)
        _stand(path, job, facts)
        return Stored(_lkg(path, job, tensors), known=True)
    except InputError as problem:
        raise InputError(f"{problem}; {_advice(path, job)}") from None


def _stand(path: Path, job: Job, facts: Mapping[str, str]) -> None:
    """Bring the job to where the metadata says that it stands."""
    try:
        _check(path, job, facts)
        _take(job, facts)
        again = metadata(job, 1)
        wrong = next((name for name in _DERIVED if again[name] != facts[name]), None)
    except _Other as problem:
        raise InputError(str(problem)) from None
    except _DAMAGED as problem:
        raise InputError(f"{WHAT} {path} is damaged (metadata: {_line(problem)})") from None
    if wrong:
        raise InputError(f"{WHAT} {path} is damaged (its {wrong} does not agree with its history)")


class _Other(Exception):
    """The file is whole, and of something else."""


def _check(path: Path, job: Job, facts: Mapping[str, str]) -> None:
    """See that the file is of this network, dataset, trial and seed."""
    wanted = {"architecture": str(job.architecture), "family": job.config.family, "dataset": job.config.dataset}
    wanted["trial"] = str(job.trial)
    found = {**facts, "architecture": str(parse(facts["architecture"]))}
    for name, value in wanted.items():
        if found[name] != value:
            raise _Other(f"{WHAT} {path} holds {name} {found[name]}, not {value}")
    seed = json.loads(facts["random_state"])["seed"]
    if job.config.seed not in (None, seed):
        raise _Other(f"{WHAT} {path} has the seed {seed}, not {job.config.seed}")


def _take(job: Job, facts: Mapping[str, str]) -> None:
    """Seed, history and pending damage of the trial."""
    job.seed = _typed(int, json.loads(facts["random_state"])["seed"])
    loop, hits, best = (_typed(int, value) for value in json.loads(facts["before"]))
    job.before, job.loops[:] = (loop, hits, best), []
    kinds = get_type_hints(Loop)
    for number, values in enumerate(json.loads(facts["history"]), loop + 1):
        one = Loop(*values)
        for name, kind in kinds.items():
            _typed(kind, getattr(one, name))
        if one.meta_loop != number or not _is_possible(one, job):
            raise ValueError(f"meta-loop {number} is {astuple(one)}")
        job.take(one)


def _is_possible(loop: Loop, job: Job) -> bool:
    """Whether the mode damages such a neuron."""
    mode = get_mode(loop.mode)
    if loop.layer < 0:
        return not mode.ablates
    return 0 <= loop.neuron < damageable(mode, job.architecture, job.config.family)[loop.layer]


def _typed(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not of type {kind.__name__}")
    return value


def _lkg(path: Path, job: Job, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The best network, after a look whether the damaged copy beside it is its copy with that damage."""
    needed = shapes(job.architecture, job.config.family)
    names = {f"{kind}.{name}": shape for kind in KINDS for name, shape in needed.items()}
    if {name: tuple(value.shape) for name, value in tensors.items()} != names:
        raise InputError(f"{WHAT} {path} {_another(job, tensors)}")
    check_finite(tensors, f"{WHAT} {path}")
    lkg, active = ({name: tensors[f"{kind}.{name}"].float() for name in needed} for kind in KINDS)
    copy = {name: value.clone() for name, value in lkg.items()}
    if job.ablation is not None:
        apply(job.ablation, copy)
    for name, value in copy.items():
        if not value.equal(active[name]):
            raise InputError(f"{WHAT} {path} is damaged (lkg.{name} and active.{name} do not belong together)")
    return lkg


def _another(job: Job, tensors: Mapping[str, Tensor]) -> str:
    """What is wrong with a file whose metadata names the right architecture, and whose network is another."""
    first = tensors.get("lkg.linears.0.weight")
    extra = len(tensors) - len(KINDS) * len(shapes(job.architecture, job.config.family)) == 2 * len(KINDS)
    if extra and first is not None and tuple(first.shape) == (INPUTS, INPUTS):
        return (
            f"is of an earlier version, whose {job.architecture} had a layer of {INPUTS} before its first block; this "
            "version cannot go on with it"
        )
    return f"holds another network than {job.architecture} of {job.config.family}"


def check_beside(config: TrainConfig, sweep: Path) -> None:
    """See that a sweep which an earlier version began has no finished runs of another network in the same rows.

    Raises:
        InputError: it has some.
    """
    architecture = config.architecture
    if config.family != "resmlp" or architecture.has_entry(config.family):
        return
    extra = f"lkg.linears.{len(architecture.linears(config.family))}.weight"
    for path in sorted(sweep.glob(f"run_*_{architecture.folder}_*/{CHECKPOINT}")):
        tensors, _ = parse_content(read_bytes(path, WHAT), f"{WHAT} {path}")
        if extra in tensors:
            raise InputError(
                f"{WHAT} {path} {_another(Job(config, architecture, 1, 0), tensors)}; take a new --sweep-dir"
            )


def _foreign(path: Path, job: Job, content: Any) -> dict[str, Tensor]:
    """The network of a file of the published program: a state by itself, or among other things.

    Names of parameters differ between programs; what counts is their order, which is that of the signal.
    """
    needed = shapes(job.architecture, job.config.family)
    state = _state_in(content)
    if set(state) == set(needed):
        state = {name: state[name] for name in needed}
    if [tuple(value.shape) for value in state.values()] != list(needed.values()):
        raise InputError(f"{WHAT} {path} holds another network than {job.architecture} of {job.config.family}")
    if not all(value.is_floating_point() for value in state.values()):
        raise InputError(f"{WHAT} {path} holds numbers that no weights are, such as integers")
    check_finite(state, f"{WHAT} {path}")
    return dict(zip(needed, (value.float() for value in state.values()), strict=True))


def _state_in(content: Any) -> dict[str, Tensor]:
    """The first mapping of names to tensors in what was read; one whose key speaks of the LKG comes first."""
    import torch

    if not isinstance(content, Mapping):
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor) and value.dim()}
    inner = sorted(content, key=lambda name: "lkg" not in str(name).lower())
    return own or next((state for name in inner if (state := _state_in(content[name]))), {})


def _in_order(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensors[name] for name in sorted(tensors, key=_natural)}


def _natural(name: str) -> list[Any]:
    """Sorts linears.10 behind linears.9, and a weight before its bias, as PyTorch orders them."""
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name)]
    return [*parts[:-1], (1, 0, parts[-1][2].replace("weight", "a-weight"))]


def _advice(path: Path, job: Job) -> str:
    # The model folder and not the trial's: after one trial the next would be refused.
    folder = job.config.model_dir or path.parent
    return f"psa-clean --model-dir {shlex.quote(str(folder))} removes it, or name another --model-dir"


def _line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__
