"""Run a pixel-corruption campaign (`corruption-run`)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.cli import Parser, add_options, run_command, whole
from common.errors import InputError
from corruption_study.tables import summarize_runs, write_csv

if TYPE_CHECKING:
    from common.runs.outcome import Outcome
    from common.runs.spec import RunSpec
    from corruption_study.campaign import Campaign

__all__ = ["main", "run", "summarize_runs", "write_csv"]

PROG = "corruption-run"
DESCRIPTION = """\
Train classifiers on corrupted images and test them on clean ones: every activation x model type x p x repeat, as one
campaign. Starting it again goes on where it was. Without options: 105 runs of the default MLP, some minutes.

example: corruption-run --activations relu --ps 0,0.4,0.8 --epochs 5
         corruption-run --preset reliable --dry-run
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0, or 1 if a run has failed."""
    from corruption_study.campaign import PRESETS, Campaign

    parser = Parser(prog=PROG, description=DESCRIPTION)
    group = parser.add_argument_group("how to run")
    add = group.add_argument
    add("--preset", choices=sorted(PRESETS), help="settings to start from: reliable is 2400 runs of larger networks")
    add("--config", type=Path, metavar="FILE.toml", help="settings in a file, e.g. ps = [0, 0.5]; options win over it")
    add("--output-dir", type=Path, metavar="DIR", help="folder (default: results/corruption_study/<preset or default>)")
    add("--run-dir", type=Path, metavar="DIR", help="the same as --output-dir")
    add("--dry-run", action="store_true", help="count the runs, estimate time and memory from some steps; run nothing")
    add("--max-workers", type=whole(1), metavar="N", help="runs at a time (default: all cores; 1 with --use-cuda)")
    add("--stack", type=whole(1), metavar="N", help="train so many runs side by side (default: measured)")
    add("--limit", type=whole(1), metavar="N", default=0, help="start at most so many runs now (default: all)")
    add("--only", metavar="GLOB", default="", help="only runs whose folder or name matches, e.g. 'mlp_relu_p0.4_*'")
    add("--retry-failed", action="store_true", help="run those again that have failed")
    add("--quiet", action="store_true", help="print nothing but errors")
    add_options(parser, Campaign)
    given = vars(parser.parse_args(argv))
    names = ("preset", "config", "output_dir", "run_dir", "dry_run", "max_workers", "stack", "limit", "only")
    where = argparse.Namespace(**{name: given.pop(name) for name in (*names, "retry_failed", "quiet")})
    return run_command(PROG, lambda: _work(given, where))


def _work(given: dict[str, Any], where: argparse.Namespace) -> int:
    from corruption_study.campaign import read_toml, settle, take_start

    if where.output_dir and where.run_dir:
        raise InputError("--output-dir and --run-dir say the same; give one of them")
    where.output_dir = where.output_dir or where.run_dir
    file = read_toml(where.config) if where.config else {}
    take_start(file, where)
    campaign = settle(where.preset, file, given)
    folder = where.output_dir or Path("results/corruption_study") / (where.preset or "default")
    if where.dry_run:
        print(dry_run(campaign, folder, where))
        return 0
    return run(campaign, folder, where)


def run(campaign: Campaign, run_dir: Path, how: argparse.Namespace | None = None) -> int:
    """Run a campaign in a folder, or go on with it; returns 0, or 1 if a run has failed.

    Args:
        campaign: its settings.
        run_dir: its folder.
        how: max_workers, stack, limit, only, retry_failed, quiet.

    Raises:
        InputError: no data, no CUDA device, or the folder holds another campaign.
        RunError, OSError: it had to stop.
        Interrupted: a signal; the next start goes on.
    """
    from common.sweeps.folder import finished, make_folder, merged_specs
    from common.sweeps.run import Options, Work, run_sweep
    from corruption_study.stack_size import settle_stacks
    from corruption_study.tables import Tables
    from corruption_study.watch import Watch

    how = how or argparse.Namespace(max_workers=None, stack=None, limit=0, only="", retry_failed=False, quiet=False)
    specs = prepare(campaign)
    folder = make_folder(run_dir)
    specs = merged_specs(folder, specs)
    before = finished(folder, specs, retry_failed=how.retry_failed)
    todo = chosen(specs, before, how)
    workers = workers_for(campaign, how.max_workers)
    lanes = settle_stacks(folder, todo, workers, how.stack) if todo else 1
    options = Options(workers=workers, limit=how.limit, only=how.only, retry_failed=how.retry_failed, quiet=how.quiet)
    work = Work("corruption_study.worker:train", lists=True, replicas=lanes, score="test_accuracy")
    tables = Tables(folder, specs, before)
    if not todo and not how.quiet:
        print(f"{len(before)} of {len(specs)} runs over, 0 to do now, in {run_dir}")
    watch = Watch(tables, len(specs), len(before))
    ended = run_sweep(specs, folder, work, prog=PROG, options=options, listener=watch)
    return _tell(specs, ended, run_dir, quiet=how.quiet)


def dry_run(campaign: Campaign, folder: Path, how: argparse.Namespace) -> str:
    """What a start would do, in some lines."""
    from common.sweeps.folder import finished, merged_specs
    from corruption_study.estimate import describe

    specs = merged_specs(folder, prepare(campaign))
    todo = chosen(specs, finished(folder, specs, retry_failed=how.retry_failed), how)
    return describe(specs, todo, folder, workers_for(campaign, how.max_workers), how.stack)


def prepare(campaign: Campaign) -> list[RunSpec]:
    """The runs, once it is clear that their data and their device are here.

    Raises:
        InputError: they are not.
    """
    from common.datasets import ROOT_VARIABLE
    from corruption_study.campaign import specs_of
    from corruption_study.config import TrainConfig
    from corruption_study.data import load_images
    from corruption_study.device import get_device

    if campaign.use_cuda:
        get_device(True)
    data = load_images(TrainConfig(dataset=campaign.dataset, data_root=campaign.data_root))
    if campaign.max_train_samples is not None and campaign.max_train_samples > len(data.train_x):
        most = len(data.train_x)
        raise InputError(f"argument --max-train-samples: {campaign.max_train_samples}, allowed: at most {most}")
    if campaign.data_root is not None:  # workers inherit it; a run's settings do not depend on the machine
        os.environ[ROOT_VARIABLE] = str(Path(campaign.data_root).expanduser().resolve())
    return specs_of(campaign)


def chosen(specs: Sequence[RunSpec], ended: dict[int, Outcome], how: argparse.Namespace) -> list[RunSpec]:
    """The runs to do now."""
    from common.sweeps.run import Options, selected

    return selected(specs, ended, Options(limit=how.limit, only=how.only))


def workers_for(campaign: Campaign, wanted: int | None) -> int:
    """How many processes train at a time: the cores by their threads, or one for a CUDA device."""
    from common.devices import available_cores

    if campaign.use_cuda:
        return 1  # runs share the device as replicas; more processes would only take turns
    cores = available_cores()
    return max(1, min(wanted or cores // campaign.cpu_threads_per_worker, cores))


def _tell(specs: Sequence[RunSpec], ended: dict[int, Outcome], folder: Path, *, quiet: bool) -> int:
    failed = sum(outcome.status == "failed" for outcome in ended.values())
    if not quiet:
        print(f"{len(ended) - failed} of {len(specs)} runs done, {failed} failed; figure: corruption-plot {folder}")
        if failed:
            print("what went wrong stands in FAILED of each run; --retry-failed runs them again")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
