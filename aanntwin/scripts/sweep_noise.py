"""Train at several input noises, test each model at many noises, and plot (`aanntwin-sweep-noise`).

    aanntwin-sweep-noise noise.json --count_epoch 10 --runs_per_point 3

trains twelve models and tests each at 102 noises, in a few minutes on two cores. Start it again to go on where it
stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.options import add_settings, check_target, take_settings
from aanntwin.plots import plot_noise
from aanntwin.reports import add_reports, take_reports
from aanntwin.scripts import sweeping
from aanntwin.scripts.estimates import noise_sweep
from aanntwin.scripts.noise_runs import (
    NOISE_TYPES,
    Plan,
    as_json,
    axis_of,
    gather,
    noise_type,
    specs,
    take_over,
    train_and_test,
)
from aanntwin.scripts.published import add_format, in_published_keys
from aanntwin.scripts.source import (
    add_print_rate,
    add_training,
    number,
    take_cache,
)
from aanntwin.scripts.training import Prints
from common.cli import Parser, run_command, spoken, whole
from common.errors import InputError
from common.plotting import drawn_or_warned
from common.runs.files import write_text

if TYPE_CHECKING:
    from common.sweeps import Options, RunSpec

PROG = "aanntwin-sweep-noise"
DESCRIPTION = """\
Train at input noise none, 0, 0.1 .. 1.0, normalise each model, and test it at noise none, 0, 0.01 .. 1.00 of a chosen
kind. Writes OUT, JSON {training noise: {test noise: [[loss, accuracy], ..]}}, and a plot beside it.

example: aanntwin-sweep-noise noise.json --count_epoch 10 --runs_per_point 3 --noise_type linear_out
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s OUT [options]"
    parser.add_argument(
        "output", type=Path, metavar="OUT", help="results (.json); the plot has the same name with .png"
    )
    group = parser.add_argument_group("what to train and test")
    add = group.add_argument
    kinds = ", ".join([*NOISE_TYPES, "or your own package.module:Name"])
    text = f"noise of the tests: {kinds} (default: input)"
    add("--noise-type", type=spoken(noise_type), default="input", metavar="NAME", help=text)
    add("--runs-per-point", type=whole(1), default=1, metavar="N", help="tests of each point (default: 1)")
    text = "largest output of every layer after normalisation (default: 1)"
    add("--reference", type=number(0, above=True), default=1.0, metavar="X", help=text)
    add_training(group)
    add_print_rate(group)
    add("--test-each-epoch", action="store_true", help="test after each epoch; printed into the run's stdout.txt")
    add("--output-path", type=Path, nargs="?", metavar="FILE", help="has no effect; the results go to OUT")
    add_format(group, "keys of OUT; with published, results already in OUT are read and not computed again")
    add_reports(parser)
    sweeping.add_start(parser, "OUT with .sweep in place of .json")
    add_settings(parser)
    values = vars(parser.parse_args(argv))
    reports = take_reports(values)
    return run_command(PROG, lambda: reports.around(lambda: _work(values)))


def _work(values: dict[str, Any]) -> int:
    output, style = values.pop("output"), values.pop("format")
    if values.pop("output_path") is not None:
        print(f"--output_path has no effect here; the results go to {output}", file=sys.stderr)
    prints = Prints(values.pop("print_rate") or 0, values.pop("test_each_epoch"))
    if output.suffix.lower() != ".json":
        raise InputError(f"OUT is {output}, allowed: a name that ends in .json")
    check_target(output, folder_is_made=True)
    folder, dry, options = sweeping.take_start(values)
    names = ("count_epoch", "noise_type", "runs_per_point", "reference")
    chosen = {name: values.pop(name) for name in names}
    cache = take_cache(values)
    plan = Plan(take_settings(values), cache=cache, prints=prints, **chosen)
    if plan.settings.training_nonidealities.input_noise is not None:
        raise InputError("--training_nonidealities_input_noise is what the sweep varies; leave it out")
    folder = folder or output.with_suffix(".sweep")
    if dry:
        print(noise_sweep(PROG, plan, specs(plan), folder, options))
        return 0
    return run(plan, output, folder, options, style)


def run(plan: Plan, output: Path, folder: Path, options: Options, style: str = "ours") -> int:
    """Do the runs that are not done, write the results so far and the plot; returns 0, or 1 if a run has failed.

    Raises:
        InputError: the folder holds a sweep with other settings, or OUT (published format) another content.
    """
    runs = specs(plan)
    output.absolute().parent.mkdir(parents=True, exist_ok=True)
    if style == "published" and (taken := take_over(output, runs, folder, plan.runs_per_point)):
        print(f"{taken} trainings are taken from {output}, which does not record its settings", file=sys.stderr)
    function = "aanntwin.scripts.sweep_noise:train_and_test"
    ended = sweeping.run(PROG, runs, folder, function, options, {"noise_type": plan.noise_type})
    results = gather([(spec, folder / spec.folder) for spec in runs if _done(ended, spec)])
    if results:
        write_text(output, as_json(in_published_keys(results) if style == "published" else results))
        made = [output]
        with drawn_or_warned("start the command again"):
            made.append(plot_noise(results, output.with_suffix(".png"), axis=axis_of(plan.noise_type)))
        if not options.quiet:
            names = ", ".join(map(str, made))
            print(f"{len(results)} of {len(runs)} trainings tested; results and plot: {names}")
    return sweeping.report_failures(ended, folder)


__all__ = ["Plan", "main", "run", "specs", "train_and_test"]  # manifests of sweeps name the last one here


def _done(ended: Mapping[int, Any], spec: RunSpec) -> bool:
    return spec.index in ended and ended[spec.index].status == "done"


if __name__ == "__main__":
    sys.exit(main())
