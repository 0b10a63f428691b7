"""Prices, read from a file that users can edit; the code itself holds none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.inputs import read_toml, shorten
from common.runs.files import write_text

SHIPPED = Path(__file__).with_name("prices.toml")
HERE = Path("prices.toml")
HELP = f"file of prices (default: {HERE} if it is there, else the shipped one)"


@dataclass(frozen=True)
class Prices:
    """A price file. Money is in US dollars.

    Attributes:
        path: the file.
        tables: its tables of numbers by name; a table of hourly prices has the name of its region.
    """

    path: Path
    tables: Mapping[str, Mapping[str, float]]

    def hour(self, region: str, instance_type: str) -> float:
        """The price of a machine for an hour.

        Raises:
            InputError: the file does not have it.
        """
        return self._get(region, instance_type)

    def storage(self, region: str) -> float | None:
        """The price of 1e9 bytes in S3 for a month; None if the file does not have it."""
        return self.tables.get("s3_gb_month", {}).get(region)

    def cores(self, instance_type: str) -> float:
        """Number of cores of a machine.

        Raises:
            InputError: the file does not have it.
        """
        return self._get("cores", instance_type)

    @property
    def overhead_s(self) -> float:
        """Billed seconds of a job in addition to its training."""
        return self.tables.get("overhead", {}).get("seconds", 0.0)

    def _get(self, table: str, name: str) -> float:
        found = self.tables.get(table, {}).get(name)
        if found is None:
            line = f'"{name}" = NUMBER below [{table}]'
            raise InputError(f"{self.path} has no {line}; add it, or name an edited copy with --prices")
        return found


def read_prices(path: Path | None = None) -> Prices:
    """The prices of a file; by default those of ./prices.toml, else the shipped ones.

    Raises:
        InputError: it cannot be read, or holds anything but tables of numbers.
    """
    file = path or (HERE if HERE.is_file() else SHIPPED)
    try:
        content = read_toml(file, "price file")
    except InputError as problem:
        raise InputError(f"{problem}; {SHIPPED} is an example") from None
    for name, table in content.items():
        if not isinstance(table, dict) or not all(_is_price(value) for value in table.values()):
            raise InputError(
                f"price file {file}: [{shorten(name)}] must hold numbers of 0 or more, as in "
                f'"ml.c5.xlarge" = 0.2, quoted; {SHIPPED} is an example'
            )
    return Prices(file, content)


def copy_prices(path: Path) -> None:
    """Write the shipped file to a new place, for editing.

    Raises:
        InputError: the path exists already.
        OSError: it cannot be written.
    """
    if path.exists():
        raise InputError(f"{path} exists already; name a new file")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, SHIPPED.read_text(encoding="utf-8"))


def _is_price(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf")
