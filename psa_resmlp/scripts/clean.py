"""Remove checkpoints (`psa-clean`: the default one, or files by name), or all model files (`psa-clean-all`)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, run_command
from common.errors import InputError
from psa_resmlp.training.model_folder import CHECKPOINT, MODEL_DIR_VARIABLE, MODEL_FILES, default_model_dir

DESCRIPTION = f"""\
Remove files of trained models, after a list of them with sizes. Without names and --all: the checkpoints
{CHECKPOINT} of the model folder, those of its trial folders too, so that psa-train starts anew there.
Several names, and --recursive, ask on a terminal; scripts go on without a question.

examples: psa-clean --dry-run
          psa-clean --model-dir models/18x18_none
          psa-clean old.safetensors older.safetensors
          psa-clean --all --recursive
"""
DESCRIPTION_ALL = f"""\
As psa-clean --all: remove every model file ({", ".join(MODEL_FILES)}) of the model folder, after a
list of them with sizes; with --recursive also of the folders below it, after a question on a terminal. Other files
stay.

examples: psa-clean-all --dry-run
          psa-clean-all --recursive
"""


@dataclass(frozen=True)
class Found:
    """A file to remove and its size in bytes; `size` is None if it is not there."""

    path: Path
    size: int | None


def model_files(folder: Path, *, recursive: bool) -> list[Path]:
    """Model files in a folder, and with `recursive` in those below it; links are not followed."""
    return sorted(
        path
        for pattern in MODEL_FILES
        for path in (folder.rglob(pattern) if recursive else folder.glob(pattern))
        if path.is_file() or path.is_symlink()
    )


def named_files(names: Iterable[str], folder: Path) -> list[Path]:
    """Paths that names mean: as given if there is such a file, else inside the folder.

    Raises:
        InputError: a name means a folder.
    """
    paths = []
    for name in names:
        path = Path(name) if Path(name).is_absolute() or os.path.lexists(name) else folder / name
        if path.is_dir() and not path.is_symlink():
            raise InputError(f"{path} is a folder, allowed: names of files, or --all --model-dir {path}")
        paths.append(path)
    return paths


def measure(paths: Iterable[Path]) -> list[Found]:
    """Each path once, with its size."""
    return [Found(path, path.lstat().st_size if os.path.lexists(path) else None) for path in dict.fromkeys(paths)]


def describe(found: Sequence[Found]) -> str:
    """The list with sizes and their sum."""
    sizes = [one.size for one in found if one.size is not None]
    lines = [f"{'not there' if one.size is None else bytes_text(one.size):>12}  {one.path}" for one in found]
    return "\n".join([*lines, f"{bytes_text(sum(sizes)):>12}  in {len(sizes)} file{'s' * (len(sizes) != 1)}"])


def bytes_text(size: int) -> str:
    """A size for people, in units of 1000: 1.2 MB."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.95 or unit == "TB":
            break
    return f"{value:.1f} {unit}"


def remove(found: Sequence[Found], *, dry_run: bool, ask: bool = False) -> int:
    """List the files, then remove those that are there unless `dry_run`; returns 0.

    With `ask`, and on a terminal, there is a question first.

    Raises:
        OSError: one cannot be removed; those before it are gone.
    """
    print(describe(found))
    present = [one for one in found if one.size is not None]
    if dry_run:
        print("dry run: nothing removed")
        return 0
    if ask and present and sys.stdin.isatty() and not _agreed():
        print("nothing removed")
        return 0
    for one in present:
        one.path.unlink(missing_ok=True)
    print(f"removed {len(present)} file{'s' * (len(present) != 1)}" if present else "nothing to remove")
    return 0


def _agreed() -> bool:
    return input("remove these files? [y/N] ").strip().lower() in ("y", "yes")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-clean`; see DESCRIPTION."""
    parser = Parser(prog="psa-clean", description=DESCRIPTION)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="files to remove, looked for here and then in the model folder"
    )
    parser.add_argument("--all", action="store_true", help="also all model files of the model folder itself")
    _add_common(parser)
    arguments = parser.parse_args(argv)
    return run_command("psa-clean", lambda: _work(arguments))


def main_all(argv: Sequence[str] | None = None) -> int:
    """The command `psa-clean-all`, which is psa-clean --all; see DESCRIPTION_ALL."""
    parser = Parser(prog="psa-clean-all", description=DESCRIPTION_ALL)
    parser.set_defaults(files=[], all=True)
    _add_common(parser)
    arguments = parser.parse_args(argv)
    return run_command("psa-clean-all", lambda: _work(arguments))


def _add_common(parser: Parser) -> None:
    """--recursive, --model-dir and --dry-run."""
    text = "with --all: also in the folders below the model folder"
    parser.add_argument("--recursive", action="store_true", help=text)
    text = f"the model folder (default: ${MODEL_DIR_VARIABLE}, else models)"
    parser.add_argument("--model-dir", type=Path, metavar="DIR", help=text)
    parser.add_argument("--dry-run", action="store_true", help="only list what would be removed")


def _work(arguments: argparse.Namespace) -> int:
    folder = arguments.model_dir or default_model_dir()
    if arguments.recursive and not arguments.all:
        raise InputError("--recursive goes with --all; give both")
    paths = named_files(arguments.files, folder)
    for path in paths:
        if not os.path.lexists(path):
            print(f"warning: {path} does not exist", file=sys.stderr)
    if arguments.all and folder.exists() and not folder.is_dir():
        raise InputError(f"--model-dir {folder} is a file, allowed: a folder")
    if arguments.all:
        found = measure([*paths, *model_files(folder, recursive=arguments.recursive)])
    else:
        found = measure(paths or _default_files(folder))
    return remove(found, dry_run=arguments.dry_run, ask=arguments.recursive or len(paths) > 1)


def _default_files(folder: Path) -> list[Path]:
    """What psa-train goes on from: one checkpoint, or one per trial; and the markers of the reproduction script."""
    several = sorted(folder.glob(f"trial_*/{CHECKPOINT}"))
    one = [] if several and not (folder / CHECKPOINT).exists() else [folder / CHECKPOINT]
    return [*one, *several, *folder.glob("reproduced-*.done")]
