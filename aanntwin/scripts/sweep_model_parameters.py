"""Train and test every valid design, those with the fewest multipliers first (`aanntwin-sweep-model-parameters`).

    aanntwin-sweep-model-parameters designs.csv --count_epoch 1 --limit 50

prints a CSV row per design when it is done and updates the results file. Start it again to go on where it stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.options import add_settings, check_target, take_settings
from aanntwin.plots import plot_design_space
from aanntwin.reports import add_reports, take_reports
from aanntwin.scripts import sweeping
from aanntwin.scripts.design_rows import DesignRows, take_over
from aanntwin.scripts.design_runs import Plan, space, specs, train_and_test
from aanntwin.scripts.estimates import design_sweep
from aanntwin.scripts.published import add_format
from aanntwin.scripts.source import add_print_rate
from common.cli import Parser, run_command, whole
from common.errors import InputError
from common.plotting import drawn_or_warned

if TYPE_CHECKING:
    from common.sweeps import Options

PROG = "aanntwin-sweep-model-parameters"
DESCRIPTION = """\
Train and test every valid design: channels 1 to 128 in powers of two, kernel 1 to 7, stride 1 to 7, padding below the
kernel, pool 1 to 7, ordered by multipliers. Rows go to standard output and, with the same numbers, to FILE; a plot of
accuracy against multipliers goes beside it. Designs in FILE, or done in the sweep's folder, are not trained again.

example: aanntwin-sweep-model-parameters designs.csv --count_epoch 1 --limit 50
         aanntwin-sweep-model-parameters --dry-run
"""
ENDINGS = {"ours": ".csv", "published": ".json"}
FOLDER = Path("results/aanntwin/sweeps/model_parameters")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s [FILE] [options]"
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="results (.csv or .json); the plot has the same name with .png",
    )
    group = parser.add_argument_group("what to train")
    add = group.add_argument
    add("--count-epoch", type=whole(1), default=100, metavar="N", help="epochs (default: 100)")
    add("--save-weights", action="store_true", help="keep the weights of every design in its run's folder")
    add("--no-cache", action="store_true", help="do not cache epochs while a design is trained")
    add_print_rate(group)
    add_format(group, "format of FILE: ours is .csv, published a .json with accuracies by shape")
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
    more = {"no_cache": values.pop("no_cache"), "print_rate": values.pop("print_rate") or 0}
    plan = Plan(take_settings(values), epochs, save, **more)
    folder = folder or (file.with_suffix(".sweep") if file else FOLDER)
    if dry:
        print(design_sweep(PROG, plan, specs(plan), folder, options))
        return 0
    return run(plan, file, folder, options)


def run(plan: Plan, file: Path | None, folder: Path, options: Options) -> int:
    """Do the runs that are not done, print a row per design, and plot; returns 0, or 1 if a run has failed.

    Raises:
        InputError: FILE or the folder holds results of other settings.
    """
    found, runs = space(plan), specs(plan)
    if file is not None:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
        taken = take_over(file, found, runs, folder, plan.fingerprint)
        if taken and file.suffix.lower() == ".json" and not options.quiet:
            print(f"{taken} designs are taken from {file}, which does not record its settings", file=sys.stderr)
    with DesignRows(found, runs, folder, plan.fingerprint, file) as rows:
        ended = sweeping.run(PROG, runs, folder, "aanntwin.scripts.sweep_model_parameters:train_and_test", options, {})
    if rows.points:
        figure = file.with_suffix(".png") if file else folder / "design_space.png"
        with drawn_or_warned("start the command again"):
            plot_design_space(rows.points, figure)
            if not options.quiet:
                print(f"{len(rows.points)} of {len(runs)} designs; plot: {figure}", file=sys.stderr)
    return sweeping.report_failures(ended, folder)


__all__ = ["Plan", "main", "run", "space", "specs", "train_and_test"]  # manifests of sweeps name the last one here


if __name__ == "__main__":
    sys.exit(main())
