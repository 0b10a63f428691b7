"""Names and writing of the figures: ResMLP_<name>.png or SimpleMLP_<name>.png, 300 dots per inch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from common.plotting import style
from common.runs.files import atomic_writer
from psa_resmlp.study.architectures import FAMILY_TITLES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 300


def figure_path(folder: Path, family: str, name: str) -> Path:
    """Path of a figure such as Heatmap_Regimes."""
    return folder / f"{FAMILY_TITLES[family]}_{name}.png"


def save(fig: Figure, path: Path) -> Path:
    """Write a PNG whole or not at all, missing folders too; the same figure gives the same bytes.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with style(), atomic_writer(path) as stream:
        for _ in range(2):  # axes of a fixed shape need some rounds of layout, else labels are cut off
            fig.draw_without_rendering()
        fig.savefig(stream, format="png", dpi=DPI, bbox_inches="tight", pad_inches=0.08, metadata={})
    return path
