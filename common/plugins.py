"""Things that an option names: ours by a word, and a user's own as package.module:Name.

A `Registry` is the one list of a kind of things (objectives, corruptions, solvers). Options take it as their `choices`,
so that --help names what is there; whoever needs the thing calls `get`. Members may be given as "module:Name", so that
nothing is imported before it is needed.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from common.errors import InputError
from common.values import shorten

Member = TypeVar("Member")
_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_loaded: dict[str, Path] = {}


class Registry(Generic[Member]):
    """The members of one kind, by the words that options use for them, and whatever else of that kind a user has.

    Args:
        what: the kind, for messages, e.g. "objective".
        kind: the class that every member is an instance or a subclass of. It may be given as "module:Name" too.
        members: ours, in the order of --help; values are members, or where they are as "module:Name".
    """

    def __init__(self, what: str, kind: type[Any] | str, members: Mapping[str, Member | str]) -> None:
        self.what, self._kind, self._members = what, kind, dict(members)

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        """Whether a word names one of ours, or has the form package.module:Name."""
        return name in self._members or (isinstance(name, str) and is_own(name))

    def get(self, name: str) -> Member:
        """The member that a word names.

        Raises:
            InputError: there is none, its module cannot be imported, or it is something else.
        """
        if name not in self:
            raise InputError(f"{self.what} {shorten(repr(name))} is not one of {self.allowed}")
        found: Any = self._members.get(name, name)
        if isinstance(found, str):
            found = load(found, self.what)
        kind = load(self._kind, self.what) if isinstance(self._kind, str) else self._kind
        if not (isinstance(found, kind) or (isinstance(found, type) and issubclass(found, kind))):
            raise InputError(f"{self.what} {name}: is not of type {kind.__module__}.{kind.__qualname__}")
        return cast(Member, found)

    @property
    def allowed(self) -> str:
        """What messages and --help say of what may be given."""
        return ", ".join([*self._members, "package.module:Name of your own"])


def is_own(name: str) -> bool:
    """Whether a word has the form package.module:Name."""
    return _NAME.fullmatch(name) is not None


def label(name: str) -> str:
    """A word as it may stand in the name of a file or a column: of package.module:Name the Name."""
    return name.rpartition(":")[2]


def load(name: str, what: str = "name") -> Any:
    """What package.module:Name names. Modules are sought in the working folder too, after all other places.

    Raises:
        InputError: there is no such module or name in it, or importing it fails.
    """
    module, _, attribute = name.partition(":")
    add_search_path([Path.cwd()])
    found = _import(module, f"{what} {name}")
    if not hasattr(found, attribute):
        raise InputError(f"{what} {name}: no {attribute} in {module}")
    file = getattr(found, "__file__", None)
    if file and not _is_ours(file):
        _loaded[name] = Path(file).resolve()
    return getattr(found, attribute)


def _import(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name and f"{module}.".startswith(f"{problem.name}."):
            text = f"no module {problem.name}, neither in the working folder nor in PYTHONPATH"
        elif _is_ours(_last_frame(problem).filename):
            raise  # a package of ours that was left out; whoever started this command learns how to get it
        else:
            text = _describe(problem)
    except InputError:
        raise
    except Exception as problem:  # noqa: BLE001 - a user's own file, in which anything may be wrong
        text = _describe(problem)
    raise InputError(" ".join(f"{what}: {text}".split()))


def _describe(problem: Exception) -> str:
    """What is wrong with a module, and where; the text of a SyntaxError says the latter itself."""
    frame = _last_frame(problem)
    place = "" if isinstance(problem, SyntaxError) else f"; {frame.filename}:{frame.lineno}"
    return f"cannot be imported ({type(problem).__name__}: {problem}{place})"


def _last_frame(problem: Exception) -> traceback.FrameSummary:
    return traceback.extract_tb(problem.__traceback__)[-1]


def _is_ours(file: str | Path) -> bool:
    """Whether a file lies in a package of ours; a user's own may lie beside them, in the folder of a clone."""
    root = Path(__file__).parents[1]
    parts = Path(file).relative_to(root).parts if Path(file).is_relative_to(root) else ()
    return len(parts) > 1 and (root / parts[0] / "__init__.py").exists()


def loaded() -> dict[str, str]:
    """The files of the users' own things that this process has loaded, by package.module:Name; for run_meta.json."""
    return {name: str(file) for name, file in _loaded.items()}


def digests() -> dict[str, str]:
    """A digest of each of these files, by which a later start sees whether one has changed."""
    return {name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for name, file in _loaded.items()}


def add_search_path(folders: Iterable[Path]) -> None:
    """Let `load` find modules in more folders: those from which a sweep was started or a run began."""
    for folder in folders:
        if str(folder) not in sys.path and not (folder == Path.cwd() and "" in sys.path):
            sys.path.append(str(folder))
            importlib.invalidate_caches()


def recorded_folders(files: Mapping[str, str]) -> list[Path]:
    """The folders in which modules lie that `loaded` has named, as far as they are still there."""
    found = []
    for name, file in files.items():
        depth = name.partition(":")[0].count(".") + (Path(file).name == "__init__.py")
        folder = Path(file).parents[depth]
        if folder.is_dir() and os.access(folder, os.R_OK):
            found.append(folder)
    return found
