"""Run a pixel-corruption campaign (`corruption-run`)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.cli import Parser, add_options, run_command, whole
from common.datasets import ROOT_VARIABLE
from common.devices import available_cores
from common.errors import InputError
from common.runs.spec import RunSpec
from common.sweeps.command import report
from common.sweeps.folder import finished, make_folder, merged_specs, search_own_modules
from common.sweeps.run import Options, Work, run_sweep, selected
from corruption_study.campaign import PRESETS, Campaign, layered, read_toml, settle, specs_of, take_start
from corruption_study.config import TrainConfig
from corruption_study.data import check_images
from corruption_study.device import get_device
from corruption_study.estimate import describe
from corruption_study.resume import FUNCTION, SETTINGS, recorded, resumed
from corruption_study.stack_size import settle_stacks
from corruption_study.tables import Tables, summarize_runs, write_csv
from corruption_study.watch import Watch

__all__ = ["main", "run", "summarize_runs", "write_csv"]

PROG = "corruption-run"
DESCRIPTION = """\
Train classifiers on corrupted images and test them on clean ones: every activation x model type x p x repeat, as one
campaign. Start it again to go on where it stopped. Without options: 105 runs of the default MLP, some minutes.

example: corruption-run --activations relu --ps 0,0.4,0.8 --epochs 5
         corruption-run --preset reliable --dry-run
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 if a run has failed."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    group = parser.add_argument_group("how to run")
    add = group.add_argument
    add("--preset", choices=sorted(PRESETS), help="settings to start from: reliable is 2400 runs of larger networks")
    add(
        "--config", type=Path, metavar="FILE.toml", help="settings in a file, e.g. ps = [0, 0.5]; options win over them"
    )
    add(
        "--output-dir",
        type=Path,
        metavar="DIR",
        help="folder (default: results/corruption_study/<preset or default>)",
    )
    add("--run-dir", type=Path, metavar="DIR", help="the same as --output-dir")
    add("--resume", type=Path, metavar="DIR", help="go on with the campaign in this folder, with its settings")
    add("--dry-run", action="store_true", help="count the runs, estimate time and memory from some steps; train none")
    add("--max-workers", type=whole(1), metavar="N", help="runs at a time (default: all cores; 1 with --use-cuda)")
    add("--stack", type=whole(1), metavar="N", help="runs that train side by side in a process (default: measured)")
    add("--limit", type=whole(1), metavar="N", default=0, help="start at most N runs now (default: all)")
    add("--only", metavar="GLOB", default="", help="only runs whose name matches, e.g. 'mlp_relu_p0.4_*'")
    add("--retry-failed", action="store_true", help="run failed runs again")
    add("--quiet", action="store_true", help="print nothing but errors")
    add_options(parser, Campaign)
    given = vars(parser.parse_args(argv))
    names = ("preset", "config", "output_dir", "run_dir", "resume", "dry_run", "max_workers", "stack", "limit", "only")
    where = argparse.Namespace(**{name: given.pop(name) for name in (*names, "retry_failed", "quiet")})
    return run_command(PROG, lambda: _work(given, where))


def _work(given: dict[str, Any], where: argparse.Namespace) -> int:
    if where.output_dir and where.run_dir:
        raise InputError("--output-dir and --run-dir mean the same; give one of them")
    if where.resume and (where.output_dir or where.run_dir):
        raise InputError("--resume goes on in its own folder; leave out --output-dir and --run-dir")
    where.output_dir = where.output_dir or where.run_dir or where.resume
    file = read_toml(where.config) if where.config else {}
    take_start(file, where)
    folder = where.output_dir or Path("results/corruption_study") / (where.preset or "default")
    options = Options(where.max_workers, where.limit, where.only, where.retry_failed, quiet=where.quiet)
    specs = None
    if where.resume:
        campaign, specs = resumed(folder, layered(where.preset, file, given))
        if len(finished(folder, specs, retry_failed=where.retry_failed)) == len(specs):
            raise InputError(f"sweep folder {folder}: is done; there is nothing to go on with")
    else:
        search_own_modules(folder)
        campaign = settle(where.preset, file, given)
    if where.dry_run:
        print(dry_run(campaign, folder, options, where.stack, specs))
        return 0
    return run(campaign, folder, options, stack=where.stack, specs=specs)


def run(
    campaign: Campaign,
    run_dir: Path,
    options: Options | None = None,
    *,
    stack: int | None = None,
    specs: Sequence[RunSpec] | None = None,
) -> int:
    """Run a campaign in a folder, or go on with it; returns 0, or 1 if a run has failed.

    Args:
        campaign: its settings.
        run_dir: its folder.
        options: how many runs at a time, which ones, and whether to be quiet.
        stack: how many of them train side by side in a process; None means as many as measured to be fastest.
        specs: the runs; None means all of the campaign's.

    Raises:
        InputError: no data, no CUDA device, or the folder holds another campaign.
        RunError, OSError: the campaign had to stop.
        Interrupted: a signal stopped it; the next start goes on.
    """
    options = options or Options()
    check(campaign)
    folder = make_folder(run_dir)
    specs = merged_specs(folder, specs or specs_of(campaign))
    before = finished(folder, specs, retry_failed=options.retry_failed)
    todo = selected(specs, before, options)
    options = replace(options, workers=workers_for(campaign, options.workers))
    replicas = settle_stacks(folder, todo, options.workers or 1, stack) if todo else 1
    work = Work(FUNCTION, lists=True, replicas=replicas, score="final_test_acc")
    tables = Tables(folder, specs, before)
    if not todo and not options.quiet:
        print(f"{len(before)} of {len(specs)} runs ended, 0 to do now, in {run_dir}")
    watch = Watch(tables, len(specs), len(before))
    facts = {SETTINGS: recorded(campaign)}
    ended = run_sweep(specs, folder, work, prog=PROG, options=options, facts=facts, listener=watch)
    return report(ended, len(specs), f"figure: corruption-plot {run_dir}", quiet=options.quiet)


def dry_run(
    campaign: Campaign, folder: Path, options: Options, stack: int | None, specs: Sequence[RunSpec] | None = None
) -> str:
    """What a start would do, as text."""
    check(campaign)
    specs = merged_specs(folder, specs or specs_of(campaign))
    todo = selected(specs, finished(folder, specs, retry_failed=options.retry_failed), options)
    return describe(specs, todo, folder, workers_for(campaign, options.workers), stack)


def check(campaign: Campaign) -> None:
    """Raise InputError if the campaign's images or its device are not available."""
    get_device(campaign.use_cuda)
    chosen = {name: getattr(campaign, name) for name in ("dataset", "data_root", "max_train_samples")}
    check_images(TrainConfig(**chosen))
    if campaign.data_root is not None:  # for the workers; a run's recorded settings do not depend on the machine
        os.environ[ROOT_VARIABLE] = str(Path(campaign.data_root).expanduser().resolve())


def workers_for(campaign: Campaign, wanted: int | None) -> int:
    """How many processes train at a time: cores / threads per worker, or one for a CUDA device."""
    if campaign.use_cuda:
        return 1  # runs share the device as replicas; more processes would only take turns
    cores = available_cores()
    return max(1, min(wanted or cores // campaign.cpu_threads_per_worker, cores))


if __name__ == "__main__":
    sys.exit(main())
