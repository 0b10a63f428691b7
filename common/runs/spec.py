"""A run of a sweep before it starts: its place in the order, its name, and its settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.inputs import parse_json, shorten
from common.runs.files import plain, read_lines, write_text

# Files of a sweep folder: its runs, what was started, who is at work on it, and how far it is.
RUNSPECS, MANIFEST, LAUNCHER = "runspecs.jsonl", "manifest.json", "launcher.json"
RESULTS, SUMMARY = "results.csv", "summary.json"
OWN: dict[str, type] = {"index": int, "name": str, "config": dict, "axes": dict, "group": str}  # what we write of a run


@dataclass(frozen=True)
class RunSpec:
    """What one run is.

    Attributes:
        index: its number in the sweep, from 0.
        name: says its settings, e.g. seed0_g0.3; unique in the sweep.
        config: the settings that its function gets, in JSON's types.
        axes: the same as the user named them, for tables; empty means `config`.
        group: runs with the same word here may travel side by side in one call; "" travels alone.
        published: the settings by the names under which scripts of a published program read them; empty if there is
            none. They are all of run_spec.json then, and stand first in runspecs.jsonl.
    """

    index: int
    name: str
    config: Mapping[str, Any]
    axes: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    published: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> str:
        """The name of its folder inside the sweep's."""
        return f"run_{self.index:04d}_{self.name}"

    @property
    def columns(self) -> dict[str, Any]:
        """Its settings for a table: the axes first, then the settings that no axis names."""
        return {**self.axes, **{name: value for name, value in self.config.items() if name not in self.axes}}

    def json(self) -> dict[str, Any]:
        """For runspecs.jsonl."""
        values: dict[str, Any] = plain({name: getattr(self, name) for name in OWN})
        first = {"idx": self.index, "name": self.name, **plain(self.published)} if self.published else {}
        return {**first, **values}

    def run_json(self) -> dict[str, Any]:
        """For run_spec.json."""
        values: dict[str, Any] = plain(self.published)
        return values or self.json()


def write_specs(folder: Path, specs: Iterable[RunSpec]) -> None:
    """Write runspecs.jsonl, one run a line."""
    write_text(folder / RUNSPECS, "".join(json.dumps(spec.json()) + "\n" for spec in specs))


def read_specs(folder: Path) -> list[RunSpec]:
    """The runs of a sweep folder in their order.

    Raises:
        InputError: runspecs.jsonl is missing or damaged.
    """
    path = folder / RUNSPECS
    if not path.is_file():
        raise InputError(f"sweep folder {folder}: no {RUNSPECS} in it; name the folder of a sweep")
    where = f"sweep folder {folder}: {RUNSPECS} is damaged"
    specs = [_spec(line, f"{where}, line {number}") for number, line in enumerate(read_lines(path), 1)]
    check_specs(specs)
    return specs


def _spec(line: str, where: str) -> RunSpec:
    facts = parse_json(line, where)
    for name, kind in OWN.items():
        if name in facts and not isinstance(facts[name], kind):
            raise InputError(f"{where}: {name} is {shorten(repr(facts[name]))}")
    if not {"index", "name", "config"} <= set(facts):
        raise InputError(f"{where}: a run has an index, a name and a config")
    published = {name: value for name, value in facts.items() if name not in (*OWN, "idx")}
    return RunSpec(**{name: facts[name] for name in OWN if name in facts}, published=published)


def check_specs(specs: Iterable[RunSpec]) -> None:
    """Raise InputError where two runs have the same number or name, or a name cannot be a folder's."""
    names: set[str] = set()
    indices: set[int] = set()
    for spec in specs:
        if spec.name in names or spec.index in indices:
            raise InputError(f"two runs are called {spec.folder}; every run needs a number and a name of its own")
        if not spec.name or "/" in spec.name or len(spec.folder.encode()) > 200:
            name = shorten(repr(spec.name))
            raise InputError(f"run name {name}: it becomes a folder; at most 200 letters and no slash")
        names.add(spec.name)
        indices.add(spec.index)
