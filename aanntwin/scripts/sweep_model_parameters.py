"""Train and test every valid design, those with the fewest multipliers first (`aanntwin-sweep-model-parameters`).

    aanntwin-sweep-model-parameters designs.csv --count_epoch 1 --limit 50

prints a CSV row per design as it is done and keeps the results file up to date. Started again, it goes on where it was.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.config import ModelParams, Settings
from aanntwin.options import add_settings, check_target, take_settings
from aanntwin.reports import add_reports, take_reports
from aanntwin.scripts import sweeping
from aanntwin.scripts.design_space import VARIED, Design, designs
from aanntwin.scripts.published import add_format
from aanntwin.scripts.source import LOCAL, add_print_rate, from_json, one_thread, start, to_json
from aanntwin.scripts.telling import Telling, train_and_tell
from common.cli import Parser, run_command, whole
from common.errors import InputError
from common.plotting import drawn_or_warned

if TYPE_CHECKING:
    from common.sweeps import Options, RunSpec

PROG = "aanntwin-sweep-model-parameters"
DESCRIPTION = """\
Train and test every valid design: channels 1 to 128 in powers of two, kernel 1 to 7, stride 1 to 7, padding below the
kernel, pool 1 to 7, ordered by multipliers. Rows go to the standard output and, with the same numbers, to FILE; a plot
of accuracy against multipliers goes beside it. What FILE or the sweep's folder has already is not trained again.

example: aanntwin-sweep-model-parameters designs.csv --count_epoch 1 --limit 50
         aanntwin-sweep-model-parameters --dry-run
"""
ENDINGS = {"ours": ".csv", "published": ".json"}
FOLDER = Path("results/aanntwin/sweeps/model_parameters")


@dataclass(frozen=True)
class Plan:
    """What to train: settings without a shape, epochs, what each run keeps, and how often it tells its loss."""

    settings: Settings
    count_epoch: int = 100
    save_weights: bool = False
    no_cache: bool = False
    print_rate: int = 0

    @property
    def fingerprint(self) -> str:
        """Twelve letters for all that changes the results of a design, for the rows of a results file."""
        import json

        settings = {name: value for name, value in to_json(self.settings).items() if name not in LOCAL}
        text = json.dumps([settings, self.count_epoch], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s [FILE] [options]"
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="results (.csv or .json); the plot ends in .png"
    )
    group = parser.add_argument_group("what to train")
    add = group.add_argument
    add("--count-epoch", type=whole(1), default=100, metavar="N", help="epochs (default: 100)")
    add("--save-weights", action="store_true", help="keep the weights of every design in its run's folder")
    add("--no-cache", action="store_true", help="keep no epochs while a design is trained")
    add_print_rate(group)
    add_format(group, "of FILE: ours is .csv, published a .json with accuracies by shape")
    add_reports(parser)
    text = "widths of linear layers that every design has (default: none)"
    add("--model-params-additional-layers", type=whole(1), nargs="*", metavar="N", help=text)
    sweeping.add_start(parser, f"{FOLDER}, or FILE with .sweep in place of its ending")
    add_settings(parser, without=("model_params",))
    values = vars(parser.parse_args(argv))
    reports = take_reports(values)
    return run_command(PROG, lambda: reports.around(lambda: _work(values)))


def _work(values: dict[str, Any]) -> int:
    file, style = values.pop("file"), values.pop("format")
    if file is not None and file.suffix.lower() != ENDINGS[style]:
        raise InputError(f"FILE is {file}, allowed with --format {style}: a name that ends in {ENDINGS[style]}")
    check_target(file, folder_is_made=True)
    values["model_params_additional_layers"] = tuple(values.pop("model_params_additional_layers") or ())
    folder, dry, options = sweeping.take_start(values)
    epochs, save = values.pop("count_epoch"), values.pop("save_weights")
    told = {"no_cache": values.pop("no_cache"), "print_rate": values.pop("print_rate") or 0}
    plan = Plan(take_settings(values), epochs, save, **told)
    folder = folder or (file.with_suffix(".sweep") if file else FOLDER)
    if dry:
        from aanntwin.scripts.estimates import design_sweep

        print(design_sweep(PROG, plan, specs(plan), folder, options))
        return 0
    return run(plan, file, folder, options)


def run(plan: Plan, file: Path | None, folder: Path, options: Options) -> int:
    """Do what is not done yet, with a row on the standard output per design, and plot; 0, or 1 if a run has failed.

    Raises:
        InputError: FILE or the folder holds results of other settings.
    """
    from aanntwin.plots import plot_design_space
    from aanntwin.scripts.design_rows import DesignRows, take_over

    found, runs = space(plan), specs(plan)
    if file is not None:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        taken = take_over(file, found, runs, folder, plan.fingerprint)
        if taken and file.suffix.lower() == ".json" and not options.quiet:
            print(f"{taken} designs are in {file}, which does not say of which settings", file=sys.stderr)
    with DesignRows(found, runs, folder, plan.fingerprint, file) as rows:
        ended = sweeping.run(PROG, runs, folder, "aanntwin.scripts.sweep_model_parameters:train_and_test", options, {})
    if rows.points:
        figure = file.with_suffix(".png") if file else folder / "design_space.png"
        with drawn_or_warned("start the command again"):
            plot_design_space(rows.points, figure)
            if not options.quiet:
                print(f"{len(rows.points)} of {len(runs)} designs; plot: {figure}", file=sys.stderr)
    return sweeping.report_failures(ended, folder)


def space(plan: Plan) -> list[Design]:
    """The designs of a plan in their order."""
    return designs(plan.settings.image_shape, plan.settings.model_params.additional_layers)


def specs(plan: Plan) -> list[RunSpec]:
    """One run per design, in their order."""
    from common.sweeps import RunSpec

    shared = {"settings": to_json(plan.settings), "count_epoch": plan.count_epoch, "save_weights": plan.save_weights}
    shared |= {name: value for name in ("no_cache", "print_rate") if (value := getattr(plan, name))}
    runs = []
    for index, design in enumerate(space(plan)):
        shape = {name: getattr(design.params, name) for name in VARIED}
        axes = {**shape, "multipliers": design.sizes.multipliers}
        runs.append(RunSpec(index, design.name, {**shape, **shared}, axes))
    return runs


def train_and_test(config: Mapping[str, Any], folder: Path) -> dict[str, float]:
    """A run: train a design and test it. Its epochs are cached in its folder until it is done."""
    from aanntwin.cache import Cache
    from aanntwin.data import load_split
    from aanntwin.trainer import evaluate
    from aanntwin.weights import save_weights

    settings = one_thread(settings_of(config))
    start(settings)
    cache = None if config.get("no_cache") else Cache(folder / "cache")
    weights = train_and_tell(settings, config["count_epoch"], cache, Telling.of(config))
    images, labels = load_split(settings, train=False)
    loss, accuracy = evaluate(weights, settings, images, labels)
    if config["save_weights"]:
        save_weights(folder / "weights.safetensors", weights, settings.model_params)
    shutil.rmtree(folder / "cache", ignore_errors=True)  # with --no_cache there is none
    return {"loss": loss, "accuracy": accuracy}


def settings_of(config: Mapping[str, Any]) -> Settings:
    """The settings of a run."""
    settings = from_json(config["settings"])
    layers = settings.model_params.additional_layers
    params = ModelParams(**{name: config[name] for name in VARIED}, additional_layers=layers)
    return settings.replace(model_params=params)


if __name__ == "__main__":
    sys.exit(main())
