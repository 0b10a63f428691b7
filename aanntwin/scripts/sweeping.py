"""The options of both sweeps, and running a sweep with its progress on stderr (standard output is for results)."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.cli import Parser, whole
from common.sweeps import Options
from common.sweeps.run import Work, run_sweep

if TYPE_CHECKING:
    from common.sweeps import Options, Outcome, RunSpec


def add_start(parser: Parser, folder: str) -> None:
    """Add --sweep_dir, --dry_run, --limit, --only, --workers, --retry_failed and --quiet.

    Args:
        parser: of the tool.
        folder: the default of --sweep_dir, in words for its help.
    """
    add = parser.add_argument_group("how to run").add_argument
    add("--sweep-dir", type=Path, metavar="DIR", help=f"the sweep's folder (default: {folder})")
    add("--dry-run", action="store_true", help="count the runs, measure short ones, estimate the whole; write nothing")
    add("--limit", type=whole(1), default=0, metavar="N", help="start at most N runs now")
    add("--only", default="", metavar="GLOB", help="only runs whose name or number matches, e.g. 'c4_*'")
    add("--workers", type=whole(1), metavar="N", help="processes (default: as many as cores)")
    add("--retry-failed", action="store_true", help="run failed runs again")
    add("--quiet", action="store_true", help="print nothing but results and errors")


def take_start(values: dict[str, Any]) -> tuple[Path | None, bool, Options]:
    """Remove what `add_start` parsed from `values`: the folder, whether it is a dry run, and the engine's options."""
    folder, dry = values.pop("sweep_dir"), values.pop("dry_run")
    names = ("limit", "only", "workers", "retry_failed", "quiet")
    return folder, dry, Options(**{name: values.pop(name) for name in names})


def run(
    prog: str, specs: Sequence[RunSpec], folder: Path, function: str, options: Options, facts: Mapping[str, Any]
) -> dict[int, Outcome]:
    """As `common.sweeps.run_sweep`, with its progress on stderr; the best run has the highest accuracy."""
    with contextlib.redirect_stdout(sys.stderr):
        return run_sweep(specs, folder, Work(function, score="accuracy"), prog=prog, options=options, facts=facts)


def report_failures(ended: Mapping[int, Outcome], folder: Path) -> int:
    """The exit code: 1 if a run has failed, with a line on stderr that names the folder."""
    failed = [outcome for outcome in ended.values() if outcome.status == "failed"]
    if failed:
        print(
            f"{len(failed)} runs failed, the first: {failed[0].reason}; see FAILED in {folder}/run_*, "
            "--retry_failed runs them again",
            file=sys.stderr,
        )
    return 1 if failed else 0
