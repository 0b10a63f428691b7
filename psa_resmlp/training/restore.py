"""Read a checkpoint: ours, with its trial's history, or a network of the published program.

Files are checked: their metadata must be consistent, and their network that of the options.
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
from psa_resmlp.study.architectures import INPUTS, parse
from psa_resmlp.study.modes import Mode, damageable, get_mode
from psa_resmlp.training.checkpoint import FORMAT, KINDS, metadata
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.model_folder import CHECKPOINT
from psa_resmlp.training.replica import Loop, Replica

if TYPE_CHECKING:
    from torch import Tensor

WHAT = "checkpoint"
_DAMAGED = (LookupError, TypeError, ValueError, RecursionError)
# Entries that `checkpoint.metadata` derives from the trial's history.
_DERIVED = ("meta_loop", "bounty_loop", "bounty_hits", "random_state", "ablation", "before", "history")


@dataclass(frozen=True)
class Stored:
    """The content of a file.

    Attributes:
        lkg: the best network, by parameter.
        known: False for a file of the published program, whose bounty must be measured.
    """

    lkg: dict[str, Tensor]
    known: bool


def load(path: Path, replica: Replica) -> Stored | None:
    """Read the file, if there is one, and give the replica its history.

    Raises:
        InputError: it is damaged, or of another network, dataset, trial or seed; the message says how to go on.
    """
    if not path.exists():
        return None
    try:
        limit = ARRAY_LIMIT + 16 * replica.architecture.parameters(replica.config.family)
        content = read_bytes(path, WHAT, limit)
        tensors, facts = parse_content(content, f"{WHAT} {path}", limit=limit)
        if facts.get("format") != FORMAT:
            in_order = _in_order(tensors) if content[8:9] == b"{" else tensors  # safetensors keeps no order
            return Stored(_published(path, replica, in_order), known=False)
        _restore_history(path, replica, facts)
        return Stored(_lkg(path, replica, tensors), known=True)
    except InputError as problem:
        raise InputError(f"{problem}; {_advice(path, replica)}") from None


def _restore_history(path: Path, replica: Replica, facts: Mapping[str, str]) -> None:
    """Give the replica the history that the metadata holds."""
    try:
        _check(path, replica, facts)
        _take(replica, facts)
        again = metadata(replica, 1)
        wrong = next((name for name in _DERIVED if again[name] != facts[name]), None)
    except _Mismatch as problem:
        raise InputError(str(problem)) from None
    except _DAMAGED as problem:
        raise InputError(f"{WHAT} {path} is damaged (metadata: {_line(problem)})") from None
    if wrong:
        raise InputError(f"{WHAT} {path} is damaged (its {wrong} does not agree with its history)")


class _Mismatch(Exception):
    """The file is intact, but of another network, dataset, trial or seed."""


def _check(path: Path, replica: Replica, facts: Mapping[str, str]) -> None:
    """Check that the file is of this network, dataset, trial and seed."""
    wanted = {
        "architecture": str(replica.architecture),
        "family": replica.config.family,
        "dataset": replica.config.dataset,
    }
    wanted["trial"] = str(replica.trial)
    found = {**facts, "architecture": str(parse(facts["architecture"]))}
    for name, value in wanted.items():
        if found[name] != value:
            raise _Mismatch(f"{WHAT} {path} holds {name} {found[name]}, not {value}")
    seed = json.loads(facts["random_state"])["seed"]
    if replica.config.seed not in (None, seed):
        raise _Mismatch(f"{WHAT} {path} has the seed {seed}, not {replica.config.seed}")


def _take(replica: Replica, facts: Mapping[str, str]) -> None:
    """Seed, history and pending damage of the trial."""
    replica.seed = _typed(int, json.loads(facts["random_state"])["seed"])
    loop, hits, best = (_typed(int, value) for value in json.loads(facts["before"]))
    replica.before, replica.loops[:] = (loop, hits, best), []
    kinds = get_type_hints(Loop)
    for number, values in enumerate(json.loads(facts["history"]), loop + 1):
        one = Loop(*values)
        for name, kind in kinds.items():
            _typed(kind, getattr(one, name))
        if one.meta_loop != number or not _is_possible(one, replica):
            raise ValueError(f"meta-loop {number} is {astuple(one)}")
        replica.take(one)


def _is_possible(loop: Loop, replica: Replica) -> bool:
    """Whether the mode can have damaged that neuron."""
    mode = get_mode(loop.mode)
    widths = damageable(mode, replica.architecture, replica.config.family)
    if loop.layer < 0:
        return not widths or type(mode).draw is not Mode.draw  # an overridden draw may return None
    return 0 <= loop.neuron < widths[loop.layer]


def _typed(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{value!r} is not of type {kind.__name__}")
    return value


def _lkg(path: Path, replica: Replica, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The best network, after a check that the file's active network is its copy with the recorded damage."""
    needed = shapes(replica.architecture, replica.config.family)
    names = {f"{kind}.{name}": shape for kind in KINDS for name, shape in needed.items()}
    if {name: tuple(value.shape) for name, value in tensors.items()} != names:
        raise InputError(f"{WHAT} {path} {_other_network(replica, tensors)}")
    check_finite(tensors, f"{WHAT} {path}")
    lkg, active = ({name: tensors[f"{kind}.{name}"].float() for name in needed} for kind in KINDS)
    copy = {name: value.clone() for name, value in lkg.items()}
    replica.damage(copy)
    for name, value in copy.items():
        if not value.equal(active[name]):
            raise InputError(f"{WHAT} {path} is damaged (lkg.{name} and active.{name} do not belong together)")
    return lkg


def _other_network(replica: Replica, tensors: Mapping[str, Tensor]) -> str:
    """The problem of a file whose metadata names the right architecture, but whose network is another."""
    first = tensors.get("lkg.linears.0.weight")
    extra = len(tensors) - len(KINDS) * len(shapes(replica.architecture, replica.config.family)) == 2 * len(KINDS)
    if extra and first is not None and tuple(first.shape) == (INPUTS, INPUTS):
        return (
            f"is of an earlier version, whose {replica.architecture} had a layer of {INPUTS} before its first block; "
            "this version cannot go on with it"
        )
    return f"holds another network than {replica.architecture} of {replica.config.family}"


def check_beside(config: TrainConfig, sweep: Path) -> None:
    """Check that a sweep folder of an earlier version has no finished runs of a different network for `config`.

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
                f"{WHAT} {path} {_other_network(Replica(config, architecture, 1, 0), tensors)}; use a new --sweep-dir"
            )


def _published(path: Path, replica: Replica, content: Any) -> dict[str, Tensor]:
    """The network of a file of the published program: a plain state_dict, or one among other entries.

    Names of parameters differ between programs, so they are matched by their order, which is that of the signal.
    """
    needed = shapes(replica.architecture, replica.config.family)
    state = _state_in(content)
    if set(state) == set(needed):
        state = {name: state[name] for name in needed}
    if [tuple(value.shape) for value in state.values()] != list(needed.values()):
        raise InputError(f"{WHAT} {path} holds another network than {replica.architecture} of {replica.config.family}")
    if not all(value.is_floating_point() for value in state.values()):
        raise InputError(f"{WHAT} {path} holds numbers that cannot be weights, such as integers")
    check_finite(state, f"{WHAT} {path}")
    return dict(zip(needed, (value.float() for value in state.values()), strict=True))


def _state_in(content: Any) -> dict[str, Tensor]:
    """The first mapping of names to tensors in the file's content; keys with "lkg" in them come first."""
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


def _advice(path: Path, replica: Replica) -> str:
    # The model folder and not the trial's: after one trial the next would be refused.
    folder = replica.config.model_dir or path.parent
    return f"psa-clean --model-dir {shlex.quote(str(folder))} removes it, or name another --model-dir"


def _line(problem: Exception) -> str:
    return " ".join(str(problem).split())[:200] or type(problem).__name__
