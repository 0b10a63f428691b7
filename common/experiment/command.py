"""The command line of an experiment: its options, --run-dir, --resume, --dry-run, and --replicas where it has them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.cli import Parser, run_command
from common.errors import InputError
from common.experiment.drive import drive, raise_failures, start_at
from common.experiment.estimate import estimate
from common.experiment.experiment import Experiment, Start
from common.experiment.replicas import REPLICAS_HELP, read_replicas, replica_folders
from common.experiment.resume import resumed

PLACES = ("run_dir", "resume", "dry_run", "replicas", "lanes")


def main_of(experiment: Experiment) -> Callable[..., int]:
    """The function of the command: from its words (None: those of the process) to its exit code."""

    def main(argv: Sequence[str] | None = None) -> int:
        """The command; returns its exit code. Whatever is heavy is loaded after parsing."""
        words = list(sys.argv[1:] if argv is None else argv)
        # `make train -- --arch ..` passes the two hyphens on.
        given = vars(_parser(experiment).parse_args(words[1:] if words[:1] == ["--"] else words))
        where = argparse.Namespace(**{name: given.pop(name, None) for name in PLACES})
        return run_command(experiment.prog, lambda: _work(experiment, given, where))

    return main


def _parser(experiment: Experiment) -> Parser:
    parser = Parser(prog=experiment.prog, description=experiment.description)
    experiment.options.add(parser)
    group = parser.add_argument_group("where it runs")
    text = "run folder (default: $RUN_DIR, else a new one at the default place)"
    group.add_argument("--run-dir", type=Path, metavar="DIR", help=text)
    text = "go on with the run in this folder, with its settings"
    group.add_argument("--resume", type=Path, metavar="DIR", help=text)
    if experiment.replicas is not None:
        group.add_argument("--replicas", type=Path, metavar="FILE", help=REPLICAS_HELP)
        group.add_argument("--lanes", type=Path, metavar="FILE", help=argparse.SUPPRESS)
    text = "check everything, measure a sample, estimate the whole, and write nothing"
    group.add_argument("--dry-run", action="store_true", help=text)
    return parser


def _work(experiment: Experiment, given: Mapping[str, Any], where: argparse.Namespace) -> int:
    if where.replicas and where.lanes:
        raise InputError("--lanes is the former name of --replicas; give one of them")
    several = where.replicas or where.lanes
    claim = None
    if where.resume:
        if where.run_dir or several:
            raise InputError("--resume goes on in its own folder; leave out --run-dir and --replicas")
        configs, starts = [resumed(experiment, where.resume, given)], [Start(where.resume, begun=True)]
    elif several:
        configs = read_replicas(experiment, several, given)
        starts = [Start() for _ in configs]
        claim = replica_folders(experiment, where.run_dir, "lane" if where.lanes else "replica")
    else:
        configs, starts = [experiment.options.over({}, given)], [start_at(where.run_dir)]
    if where.dry_run:
        print(estimate(experiment, configs, starts).describe())
        return 0
    raise_failures(drive(experiment, configs, starts, claim))
    return 0
