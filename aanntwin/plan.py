"""The options of the main command: the settings of a twin in their groups, and those of the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aanntwin.config import GROUPS, Basics, Settings
from aanntwin.options import PLAIN, add_settings, check_settings, check_target, take_group
from common.cli import Parser, add_options, build, check, option
from common.errors import InputError
from common.experiment import Options
from common.runs.files import plain


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Training, tests, and files."""

    count_epoch: int = option(100, "epochs of training, those in the cache included", low=0, grows=True)
    normalize: bool = option(False, "rescale each layer to a largest output of 1, test again, and save the result")
    test_each_epoch: bool = option(False, "test after each epoch, cached ones too")
    test_last_epoch: bool = option(False, "has no effect: the last epoch is always tested")
    no_cache: bool = option(False, "neither read nor write the cache")
    cache_dir: Path = option(Path("cache/models"), "folder of the cached epochs")
    output_path: Path | None = option(
        None, "save the final weights (.pth as PyTorch does, else safetensors)", empty=True
    )
    export_csv: Path | None = option(None, "write the final weights as a table")
    export_spice: Path | None = option(None, "write the final weights as .param lines for a SPICE netlist")
    print_rate: int | None = option(
        None, "print the loss every N steps; without N or with 0 never", low=0, empty=True, local=True
    )
    print_git_info: bool = option(False, "print the git commit of this program")
    timed: bool = option(False, "print the seconds of training and tests", local=True)
    quiet: bool = option(False, "print nothing but the results of tests", local=True)

    def check(self) -> None:
        """Raise InputError where a file could not be written."""
        for path in (self.output_path, self.export_csv, self.export_spice):
            check_target(path)
        if self.cache_dir.exists() and not self.cache_dir.is_dir():
            raise InputError(f"--cache-dir {self.cache_dir}: is a file; name a folder")


@dataclass(frozen=True)
class TwinConfig:
    """The settings of a run of the main command."""

    settings: Settings = field(default_factory=Settings)
    plan: Plan = field(default_factory=Plan)

    @property
    def seed(self) -> int:
        """The settings' seed, for the name of a run folder."""
        return self.settings.seed

    @property
    def quiet(self) -> bool:
        """Whether to print only results."""
        return self.plan.quiet

    def check(self) -> None:
        """Raise InputError for the first value that is not allowed."""
        check(self.plan)
        check(self.settings)
        for prefix in GROUPS:
            check(getattr(self.settings, prefix), prefix)
        check_settings(self.settings)


class TwinOptions(Options):
    """The options of a TwinConfig under flat names: the fields of Plan and Basics, and PREFIX_field for the groups."""

    def __init__(self) -> None:
        super().__init__(Plan)

    def add(self, parser: Parser) -> None:
        """See Options; --PREFIX_json FILE gives a whole group."""
        add_options(parser, Plan)
        add_settings(parser)

    def over(self, recorded: Mapping[str, Any], given: Mapping[str, Any]) -> TwinConfig:
        """See Options. A group from a JSON file replaces all that is recorded of it."""
        before, values = dict(recorded), dict(given)
        groups = {prefix: take_group(values, prefix, before=_taken(before, prefix)) for prefix in GROUPS}
        values = {**before, **values}
        basics = build(Basics, {name: values.pop(name) for name in PLAIN if name in values})
        settings = Settings(**{name: getattr(basics, name) for name in PLAIN}, **groups)
        config = TwinConfig(settings, build(Plan, values))
        config.check()
        return config

    def recorded(self, config: TwinConfig) -> dict[str, Any]:
        """See Options."""
        settings = dataclasses.asdict(config.settings)
        groups = {f"{prefix}_{name}": value for prefix in GROUPS for name, value in settings.pop(prefix).items()}
        values: dict[str, Any] = plain({**dataclasses.asdict(config.plan), **settings, **groups})
        return values

    def marks(self) -> dict[str, Mapping[str, Any]]:
        """See Options."""
        found = {**_marks(Plan), **_marks(Basics)}
        for prefix, kind in GROUPS.items():
            found |= {f"{prefix}_{name}": marks for name, marks in _marks(kind).items()}
        return found


def _marks(kind: type[Any]) -> dict[str, Mapping[str, Any]]:
    return {field.name: field.metadata for field in dataclasses.fields(kind)}


def _taken(values: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Remove a group's values from the flat ones, and return them by their names in the group."""
    names = [field.name for field in dataclasses.fields(GROUPS[prefix])]
    return {name: values.pop(f"{prefix}_{name}") for name in names if f"{prefix}_{name}" in values}
