"""Wines of three growers by thirteen measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analog_nmos.data.bundled import bundled
from analog_nmos.tasks.table import Rows, Table


@dataclass(frozen=True, kw_only=True)
class Wine(Table):
    """wines of three growers by thirteen measurements (178 wines, from scikit-learn)"""

    word: ClassVar[str] = "wine"

    def rows(self) -> Rows:
        """See `Table.rows`."""
        return Rows(*bundled("wine", "wine_data.csv"))
