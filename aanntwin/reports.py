"""--print_git_info and --timed of the tools: the commit of the program, and the time that it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.cli import Parser
from common.runs.origin import git_version


@dataclass(frozen=True)
class Reports:
    """What is printed besides the results.

    Attributes:
        git: the commit, before the work.
        timed: the seconds, after it.
    """

    git: bool = False
    timed: bool = False

    def around(self, work: Callable[[], int], *, aside: bool = True) -> int:
        """Do the work and return its result; `aside` prints on stderr, where programs read the results from stdout."""
        stream = sys.stderr if aside else sys.stdout
        if self.git:
            print(git_line(), file=stream, flush=True)
        start = time.perf_counter()
        code = work()
        if self.timed:
            print(f"total: {time.perf_counter() - start:.3f} s", file=stream)
        return code


def add_reports(parser: Parser) -> None:
    """Add --print_git_info and --timed."""
    parser.add_argument("--print-git-info", action="store_true", help="print the git commit of this program")
    parser.add_argument("--timed", action="store_true", help="print the time in seconds")


def take_reports(values: dict[str, Any]) -> Reports:
    """Remove what `add_reports` parsed from `values`."""
    return Reports(values.pop("print_git_info"), values.pop("timed"))


def git_line() -> str:
    """The commit of this checkout, and whether files were changed since."""
    found = git_version(Path(__file__).parents[1])
    if found is None:
        return "git: not a checkout"
    return f"git: {found['commit']}{', changed since' if found['dirty'] else ''}"
