"""The command line of a sweep: its axes, and how to run them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from common.cli import Parser, run_command, whole
from common.errors import InputError
from common.runs.outcome import Outcome
from common.sweeps.axes import Axis, add_axes, chosen_axes
from common.sweeps.definition import Definition
from common.sweeps.estimate import describe
from common.sweeps.folder import merged_specs, search_own_modules
from common.sweeps.run import Options, Work, run_sweep
from common.values import number, shown


def sweep_command(sweep: Definition, argv: Sequence[str] | None) -> int:
    """Parse, check and run a sweep; returns the exit code: 0, or 1 if a run has failed."""
    parser = Parser(prog=sweep.prog, description=sweep.description)
    parser.usage = "%(prog)s [options]"
    _add_start(parser, sweep)
    add_axes(parser, sweep.config, sweep.axes)
    given = vars(parser.parse_args(argv))
    return run_command(sweep.prog, lambda: _work(sweep, given))


def _add_start(parser: Parser, sweep: Definition) -> None:
    group = parser.add_argument_group("how to run")
    folder = Path("results") / sweep.package / "sweeps" / sweep.name
    add = group.add_argument
    add("--sweep-dir", type=Path, metavar="DIR", default=folder, help=f"the sweep's folder (default: {folder})")
    text = "axes in a file, e.g. gamma = [0.03, 0.3]; options win over it"
    if names := sweep.shipped_grids():
        text += f". Or one of ours: {', '.join(names)}"
    add("--grid", type=Path, metavar="FILE.toml", help=text)
    add("--dry-run", action="store_true", help="count the runs, measure a short one, estimate the whole; run nothing")
    add("--list", action="store_true", help="print the folder names of the runs in their order, and run nothing")
    add("--limit", type=whole(1), metavar="N", default=0, help="start at most so many runs now (default: all)")
    add("--only", metavar="GLOB", default="", help="only runs whose folder, name or number matches, e.g. 'seed0_*fix4'")
    text = f"runs at a time, at most the cores there are (default: {sweep.workers}, or all of a cluster's)"
    add("--workers", type=whole(1), metavar="N", help=text)
    add("--retry-failed", action="store_true", help="run those again that have FAILED")
    add("--run-timeout", type=_seconds, metavar="S", help="a run that takes longer fails [s] (default: none)")
    add("--scheduler", metavar="ADDRESS", help="use a running Dask cluster, e.g. tcp://node1:8786 (docs/clusters.md)")
    add("--scheduler-file", type=Path, metavar="FILE", help="the same, by the file that `dask scheduler` wrote")
    if "plots" in {field.name for field in fields(sweep.config)}:
        add("--no-plots", action="store_false", dest="plots", help="draw no plots of the runs that are done")
    add("--quiet", action="store_true", help="print nothing but errors")


def _work(sweep: Definition, given: dict[str, Any]) -> int:
    if given["scheduler"] and given["scheduler_file"]:
        raise InputError("--scheduler and --scheduler-file name the same thing; give one of them")
    values = {name.removeprefix("axis:"): text for name, text in given.items() if name.startswith("axis:")}
    values = {name: text for name, text in values.items() if text is not None}
    search_own_modules(given["sweep_dir"])
    file = sweep.shipped_grids().get(str(given["grid"]), given["grid"])
    axes = chosen_axes(sweep.config, sweep.axes, file, values)
    specs = merged_specs(given["sweep_dir"], sweep.specs(axes))
    if given["list"]:
        print("\n".join(spec.folder for spec in specs))
        return 0
    options = _options(sweep, given)
    if given["dry_run"]:
        print(describe(sweep, specs, given["sweep_dir"], options))
        return 0
    return _run(sweep, axes, specs, given["sweep_dir"], options)


def _run(sweep: Definition, axes: Sequence[Axis], specs: Sequence[Any], folder: Path, options: Options) -> int:
    work = Work(sweep.function, sweep.lists, sweep.replicas, sweep.score)
    facts = {"axes": {axis.name: list(axis.values) for axis in axes}}
    listener = sweep.listener(folder) if sweep.listener else None
    ended = run_sweep(specs, folder, work, prog=sweep.prog, options=options, facts=facts, listener=listener)
    return report(ended, len(specs), f"table: nonideal table {folder}", quiet=options.quiet)


def report(ended: Mapping[int, Outcome], runs: int, advice: str, *, quiet: bool) -> int:
    """Print how the runs of a sweep ended, and what to do next; returns the exit code: 0, or 1 if a run has failed."""
    failed = sum(outcome.status == "failed" for outcome in ended.values())
    if not quiet:
        print(f"{len(ended) - failed} of {runs} runs done, {failed} failed; {advice}")
        if failed:
            print("FAILED in the folder of each says why; --retry-failed runs them again")
    return 1 if failed else 0


def _options(sweep: Definition, given: dict[str, Any]) -> Options:
    cluster = given["scheduler"] or given["scheduler_file"]
    return Options(
        workers=given["workers"] or (None if cluster else sweep.workers),
        limit=given["limit"],
        only=given["only"],
        retry_failed=given["retry_failed"],
        run_timeout_s=given["run_timeout"],
        scheduler=given["scheduler"],
        scheduler_file=given["scheduler_file"],
        quiet=given["quiet"],
        plots=given.get("plots", True),
    )


def _seconds(text: str) -> float:
    try:
        value = number(text)
    except InputError:
        value = 0.0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a number of seconds above 0")
    return value
