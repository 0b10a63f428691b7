"""Write a figure in every format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from common.plotting import PLOT_FORMATS, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_all(figure: Figure, stem: Path) -> list[Path]:
    """STEM.png, STEM.pdf and STEM.svg."""
    return [save(figure, stem, plot_format) for plot_format in PLOT_FORMATS]
