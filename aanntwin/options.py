"""The groups of settings on a command line: --train_params_lr 0.01, or a whole group from a JSON file."""

from __future__ import annotations

import argparse
import dataclasses
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aanntwin.config import GROUPS, Basics, Settings
from aanntwin.sizes import derive
from common.cli import add_options, build, check
from common.devices import check_device_name
from common.errors import InputError
from common.inputs import read_json, shorten

NAME_BYTES = 230  # a file system's 255 less what a temporary name adds
# The names of Settings' fields that are not groups.
PLAIN = tuple(field.name for field in dataclasses.fields(Basics))


def add_group(parser: argparse.ArgumentParser, prefix: str, config_type: type[Any] | None = None) -> None:
    """Add the options of one group, and --PREFIX_json FILE, which replaces the whole group.

    `config_type` is needed where the prefix is not one of config.GROUPS (e.g. "nonidealities").
    """
    add_options(parser, config_type or GROUPS[prefix], prefix=prefix)
    parser.add_argument(
        f"--{prefix.replace('_', '-')}-json",
        type=Path,
        metavar="FILE",
        dest=f"{prefix}_json",
        default=argparse.SUPPRESS,
        help="JSON file with the whole group; excludes its other options",
    )


def take_group(
    values: dict[str, Any],
    prefix: str,
    config_type: type[Any] | None = None,
    before: Mapping[str, Any] | None = None,
) -> Any:
    """Remove a group's parsed values from `values` and build the group.

    Args:
        values: of a command line.
        prefix: of the group's options.
        config_type: see `add_group`.
        before: values, in JSON's types, that hold where `values` has none.

    Raises:
        InputError: a value is wrong, or both the JSON file and single options are given.
    """
    group = config_type or GROUPS[prefix]
    names = [field.name for field in dataclasses.fields(group)]
    given = {name: values.pop(f"{prefix}_{name}") for name in names if f"{prefix}_{name}" in values}
    path = values.pop(f"{prefix}_json", None)
    if path is None:
        config = dataclasses.replace(build(group, dict(before or {})), **given)
        check(config, prefix)
        return config
    if given:
        raise InputError(f"--{prefix}_json replaces the whole group; leave out --{prefix}_{next(iter(given))}")
    return read_group(path, group, prefix)


def read_group(path: Path, config_type: type[Any], prefix: str) -> Any:
    """A group from a JSON object in a file; what it leaves out keeps its default.

    Raises:
        InputError: the file is missing or is not a JSON object, or has an unknown name or a wrong value.
    """
    values = read_json(path, f"--{prefix}_json")
    unset = {field.name for field in dataclasses.fields(config_type) if field.default in (None, ())}
    for name, value in values.items():
        if value is None and name not in unset:
            raise InputError(f"--{prefix}_json {path}: {name} is null, allowed: a value")
    try:
        return build(config_type, {name: value for name, value in values.items() if value is not None})
    except InputError as problem:
        raise InputError(f"--{prefix}_json {path}: {problem}") from None


def check_target(path: Path | None, *, folder_is_made: bool = False) -> None:
    """Raise InputError where a file could not be written: checked before the work that it is for."""
    if path is None:
        return
    if len(os.fsencode(path.name)) > NAME_BYTES:
        raise InputError(f"{shorten(path)}: cannot be written; a name has at most {NAME_BYTES} bytes")
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: cannot be written; it is not a regular file")
    if not folder_is_made and not path.absolute().parent.is_dir():
        raise InputError(f"{path}: cannot be written; name a file in a folder that exists")


def add_settings(parser: argparse.ArgumentParser, *, without: Sequence[str] = ()) -> None:
    """Add the options of Settings: the basic ones, and all groups, except those named."""
    add_options(parser, _basics(without))
    for prefix in GROUPS:
        if prefix not in without:
            add_group(parser, prefix)


def take_settings(values: dict[str, Any]) -> Settings:
    """Remove what `add_settings` parsed from `values`, build the Settings, and check that the sizes fit.

    Raises:
        InputError: a value is wrong, or kernel, stride and pool do not fit the images.
    """
    groups = {prefix: take_group(values, prefix) for prefix in GROUPS}
    plain = {name: values.pop(name) for name in PLAIN if name in values}
    settings = Settings(**plain, **groups)
    check(settings)
    check_settings(settings)
    return settings


def check_settings(settings: Settings) -> None:
    """Raise InputError where the settings do not fit together: sizes, device."""
    check_device_name(settings.device)
    if settings.engine == "compiled" and settings.device not in ("cpu", "auto"):
        raise InputError(f"engine compiled runs on the cpu, not on {settings.device}; use --engine torch")
    derive(settings.model_params, settings.image_shape)


def _basics(without: Sequence[str]) -> type[Any]:
    """Basics without some of its fields."""
    hints = typing.get_type_hints(Basics)
    kept = [field for field in dataclasses.fields(Basics) if field.name not in without]
    parts = [(f.name, hints[f.name], dataclasses.field(default=f.default, metadata=f.metadata)) for f in kept]
    part = dataclasses.make_dataclass("Basics", parts, kw_only=True, frozen=True)
    part.__doc__ = Basics.__doc__
    return part
