"""Where a run comes from: command line, code version, package versions, machine."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.inputs import read_json

GIT_FILE = "git.json"
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

    Code that was copied from a checkout may have them in a file GIT_FILE instead.
    """
    if not (tree / ".git").exists():
        return _copied_from(tree / GIT_FILE)
    try:
        commit = _git(tree, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(tree, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _copied_from(file: Path) -> dict[str, Any] | None:
    try:
        found = read_json(file, "commit")
        return {"commit": str(found["commit"]), "dirty": bool(found["dirty"])}
    except (InputError, KeyError):
        return None


def _git(tree: Path, *words: str) -> str:
    command = ["git", "-C", str(tree), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
