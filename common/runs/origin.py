"""Where a run comes from: command line, code version, package versions, machine."""

from __future__ import annotations

import os
import platform
import re
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

COMMIT = "NONIDEAL_COMMIT"  # names the commit of code that was copied from a checkout; with changes, -dirty behind it
PACKAGES = ("nonideal", "numpy", "scipy", "scikit-learn", "numba", "networkx", "matplotlib", "PySpice", "torch")


def describe() -> dict[str, Any]:
    """Everything that run_meta.json records about the origin of a run, in JSON's types."""
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git": git_version(Path(__file__).parents[2]),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def git_version(tree: Path) -> dict[str, Any] | None:
    """Commit and dirty flag of the checkout that this code runs from; None for an installed package.

    Whoever copies code from a checkout may name them by $NONIDEAL_COMMIT.
    """
    if not (tree / ".git").exists():
        found = re.fullmatch(r"([0-9a-f]{7,64})(-dirty)?", os.environ.get(COMMIT, ""))
        return {"commit": found[1], "dirty": found[2] is not None} if found else None
    try:
        commit = _git(tree, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(tree, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _git(tree: Path, *words: str) -> str:
    command = ["git", "-C", str(tree), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
