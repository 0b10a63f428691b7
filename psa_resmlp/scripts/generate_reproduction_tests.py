"""The study as commands, and as a script that runs them (`psa-generate-reproduction-tests`)."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.cli import Parser, run_command
from common.errors import InputError
from common.runs.files import write_text
from psa_resmlp.scripts.options import add_config_file
from psa_resmlp.scripts.reproduction_script import commands, script
from psa_resmlp.study.architectures import chosen
from psa_resmlp.study.modes import MODE_NAMES, get_mode

DESCRIPTION = """\
Print the commands that train every architecture in every mode, and write a script that runs them one after another,
skips what is done and goes on with what was begun. psa-sweep does the same on all cores, with tables at the end.

example: psa-generate-reproduction-tests
         prints 588 commands and writes run_reproduction.sh
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-generate-reproduction-tests`; see DESCRIPTION."""
    parser = Parser(prog="psa-generate-reproduction-tests", description=DESCRIPTION)
    add_config_file(parser)
    text = f"modes with commas between them (default: {','.join(MODE_NAMES)})"
    parser.add_argument("--modes", default=",".join(MODE_NAMES), metavar="NAMES", help=text)
    text = "meta-loops of every training (default: 100)"
    parser.add_argument("--meta-loops", type=int, default=100, metavar="N", help=text)
    parser.add_argument("--trials", type=int, default=1, metavar="N", help="replicas of every training (default: 1)")
    text = "folder in which every training gets a folder DxW_mode (default: models)"
    parser.add_argument("--models", default="models", metavar="DIR", help=text)
    text = 'further options of psa-train as one argument, e.g. --train-options="--dataset digits"'
    parser.add_argument("--train-options", default="", metavar="TEXT", help=text)
    text = "path of the script (default: run_reproduction.sh)"
    parser.add_argument("--output", type=Path, default=Path("run_reproduction.sh"), metavar="FILE", help=text)
    parser.add_argument("--quiet", action="store_true", help="do not print the commands")
    arguments = parser.parse_args(argv)
    return run_command("psa-generate-reproduction-tests", lambda: _work(arguments))


def _work(arguments: argparse.Namespace) -> int:
    architectures, settings = chosen(arguments.config_file), _settings(arguments)
    if not arguments.quiet:
        print("\n".join(commands(architectures, **settings)))
    # The trainer beside this Python, for shells in which psa-train is not on the path.
    fallback = [sys.executable, "-m", "psa_resmlp.train"]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_text(arguments.output, script(architectures, fallback=fallback, **settings))
    os.chmod(arguments.output, 0o755)
    if not arguments.quiet:
        count = len(architectures) * len(settings["modes"])
        print(f"# {arguments.output} runs these {count} one after another; it may be stopped and started again")
    return 0


def _settings(arguments: argparse.Namespace) -> dict[str, Any]:
    for name in ("meta_loops", "trials"):
        if getattr(arguments, name) < 1:
            flag = name.replace("_", "-")
            raise InputError(f"argument --{flag}: {getattr(arguments, name)} is out of range; it must be at least 1")
    modes = [get_mode(name.strip()).name for name in arguments.modes.split(",")]
    if len(set(modes)) < len(modes):
        raise InputError("--modes has a mode twice; name each once")
    if not arguments.models or arguments.models.startswith("-"):
        raise InputError(f"--models {arguments.models!r} is no folder")
    try:
        options = shlex.split(arguments.train_options)
    except ValueError as problem:
        raise InputError(f"--train-options cannot be read as shell words ({problem})") from None
    return {
        "models": arguments.models.rstrip("/") or "/",
        "loops": arguments.meta_loops,
        "trials": arguments.trials,
        "options": options,
        "modes": modes,
    }
