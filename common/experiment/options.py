"""Options as a command line gives them, as run_meta.json records them, and as the configuration that both stand for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from common.cli import Parser, add_options, build
from common.runs.files import plain


class Options:
    """The options of one dataclass. An experiment whose options have another form brings an object like this.

    Args:
        config: the dataclass; see `common.cli.option`.
    """

    def __init__(self, config: type[Any]) -> None:
        self._config = config
        self._fields = {field.name: field for field in dataclasses.fields(config)}

    def add(self, parser: Parser) -> None:
        """Add them to a command line, whose parsed values then hold only what was given."""
        add_options(parser, self._config)

    def over(self, recorded: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        """The configuration of recorded values, in JSON's types, with those of a command line over them, checked.

        Raises:
            InputError: a name is unknown, or a value cannot be.
        """
        return build(self._config, {**recorded, **given})

    def recorded(self, config: Any) -> dict[str, Any]:
        """A configuration by option name in JSON's types."""
        values: dict[str, Any] = plain(dataclasses.asdict(config))
        return values

    def marks(self) -> dict[str, Mapping[str, Any]]:
        """The metadata of every option by its name, with `local` and `grows` among them."""
        return {name: field.metadata for name, field in self._fields.items()}
