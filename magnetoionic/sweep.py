"""The published grids, one for each figure (`magnetoionic-sweep --figure N`)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import Parser, run_command
from common.errors import InputError
from common.experiment import sweep_of, train_of
from common.plugins import label
from common.runs import load_run
from common.runs.folder import META
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.grid import make_specs
from common.sweeps.sweep import Sweep
from magnetoionic.config import TrainConfig
from magnetoionic.device import begun_scaled
from magnetoionic.devices.fields import MEASURED
from magnetoionic.main import EXPERIMENT

PROG = "magnetoionic-sweep"
DESCRIPTION = """\
Train every simulation of a figure: two fields, six learning rates, ten models of 20 epochs each. The same command goes
on after a stop. Figure 1: all nonidealities (clipping 0.1, noise 0.015, variability 0.2); 2: none; 3: clipping alone;
4: variability alone; 5: noise alone; 6: physical clipping with noise 0.015 and variability 0.2.

example: magnetoionic-sweep --figure 2
         magnetoionic-sweep --figure 1 --lr 500,2000 --n_models 3 --sweep-dir results/small
         magnetoionic-sweep --figure 3 --dry-run
"""
RATES = (500.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0)
SETTINGS: dict[int, dict[str, tuple[Any, ...]]] = {
    1: {"clipping": (0.1,), "var": (0.2,), "resistor_noise": (0.015,)},
    2: {"clipping": (0.0,), "var": (0.0,), "resistor_noise": (0.0,)},
    3: {"clipping": (0.1, 0.2, 0.5, 1.0), "var": (0.0,), "resistor_noise": (0.0,)},
    4: {"clipping": (0.0,), "var": (0.1, 0.2, 0.5), "resistor_noise": (0.0,)},
    5: {"clipping": (0.0,), "var": (0.0,), "resistor_noise": (0.15, 0.015, 0.0015)},
    6: {"clipping": (0.0,), "var": (0.2,), "resistor_noise": (0.015,), "physical_clipping": (True,)},
}
_train = train_of(EXPERIMENT)
NAMED = ("clipping", "var", "resistor_noise", "field", "lr", "hidden")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(prog=PROG, add_help=False)
    parser.add_argument("--figure", default="1")
    chosen, rest = parser.parse_known_args(words)
    if chosen.figure not in {str(number) for number in SETTINGS}:
        message = f"argument --figure: {chosen.figure!r} is not one of {', '.join(map(str, SETTINGS))}"
        return run_command(PROG, lambda: _refuse(message))
    return figure_sweep(int(chosen.figure)).main(rest)


def figure_sweep(number: int) -> Sweep:
    """The sweep of a figure."""
    shown = f"{DESCRIPTION}\n--figure N: the figure, 1 by default (this help shows the grid of figure {number})"
    name, function = f"figure_{number}", "magnetoionic.sweep:train"
    return sweep_of(EXPERIMENT, name, axes(number), function, prog=PROG, description=shown, specs=specs, short=short)


def axes(number: int) -> tuple[Axis, ...]:
    """The grid of a figure; the learning rate varies fastest."""
    return (
        *(Axis(name, values) for name, values in SETTINGS[number].items()),
        Axis("hidden", ("512",), _hidden, ("layers",), "hidden layers, e.g. 512 or 512+256"),
        Axis("field", ("double-linear", "double-exponential"), _fields, help="fields; two in one run: a+b"),
        Axis("lr", RATES),
    )


def specs(chosen: Sequence[Axis]) -> list[RunSpec]:
    """The runs of a grid, named by what varies in it."""
    several = [axis.name for axis in chosen if axis.name in NAMED and len(axis.values) > 1]

    def name_of(labels: Mapping[str, Any]) -> str:
        parts = [f"{name.split('_')[0]}{labels[name]:g}" for name in NAMED[:3] if name in several]
        parts += [f"hidden{labels['hidden']}"] if "hidden" in several else []
        fields = "+".join(label(word) for word in str(labels["field"]).split("+"))
        return "_".join([*parts, fields, f"lr{labels['lr']:g}"])

    return make_specs(chosen, TrainConfig, name_of, NAMED)


def short(config: Mapping[str, Any], epochs: int) -> tuple[dict[str, Any], float]:
    """A short version of a run for --dry-run; a change of field takes no time."""
    fields = list(config.get("field", ()))[:1]
    kept = dict(config)
    if fields and MEASURED not in fields:  # options of a field that is left out
        kept = {name: value for name, value in config.items() if name not in ("device_curve", "curve_columns")}
    return {**kept, "epochs": epochs, "field": fields}, 1.0


def train(configs: Sequence[Mapping[str, Any]], folders: Sequence[Path]) -> list[Any]:
    """Train simulations, or go on with them; returns the columns of their results. Workers call this."""
    for config, folder in zip(configs, folders, strict=True):
        if config.get("device_curve") and not (folder / META).exists():
            _refuse_to_mix(folder)
    return [_with_earlier_columns(columns) for columns in _train(configs, folders)]


def _with_earlier_columns(columns: Any) -> Any:
    """The columns of a result, or its exception; accuracies after relaxation also have their earlier names."""
    if isinstance(columns, BaseException):
        return columns
    swaps = {name: columns[f"final_{name}"] for name in ("swap_acc", "swap_acc_std") if f"final_{name}" in columns}
    return {**columns, **swaps}


def _refuse_to_mix(folder: Path) -> None:
    """Raise InputError if another run of the sweep trains in units of its file, as those of earlier versions do."""
    for meta in folder.parent.glob(f"run_*/{META}"):
        if load_run(meta.parent).config.get("device_curve"):  # one is enough, as no sweep has both kinds
            if not begun_scaled(meta.parent):
                raise InputError(
                    f"run folder {meta.parent}: was begun before device curves were scaled, so the rest of this sweep "
                    "would not be comparable; train it in another folder (--sweep-dir)"
                )
            return


def _fields(word: str) -> dict[str, Any]:
    return {"field": word.split("+")}


def _hidden(word: str) -> dict[str, Any]:
    try:
        return {"layers": [int(size) for size in str(word).split("+")]}
    except ValueError:
        raise InputError(f"argument --hidden: {word!r} is not a list of sizes such as 512 or 512+256") from None


def _refuse(message: str) -> int:
    raise InputError(message)


if __name__ == "__main__":
    sys.exit(main())
