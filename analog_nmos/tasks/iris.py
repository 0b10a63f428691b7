"""Fisher's iris flowers: three species by four lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analog_nmos.data.bundled import bundled
from analog_nmos.tasks.table import Rows, Table


@dataclass(frozen=True, kw_only=True)
class Iris(Table):
    """three species of iris by four lengths (150 flowers, from scikit-learn)"""

    word: ClassVar[str] = "iris"

    def rows(self) -> Rows:
        """See `Table.rows`."""
        return Rows(*bundled("iris", "iris.csv"))
