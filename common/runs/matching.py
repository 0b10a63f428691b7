"""Paths and glob patterns: which of them a word means."""

from __future__ import annotations

import glob
import os
from pathlib import Path


def matching(word: str) -> list[Path]:
    """What a path or a glob pattern names, sorted.

    What is there counts as it is written: brackets, stars and question marks in the name of an existing file or folder,
    or of a folder at the beginning of a pattern (runs[new]/*), are no pattern.
    """
    place = Path(os.path.expanduser(word))
    known = next((path for path in (place, *place.parents) if os.path.lexists(path)), Path())
    if known == place:
        return [place]
    pattern = os.path.join(glob.escape(str(known)), place.relative_to(known))
    return [Path(found) for found in sorted(glob.glob(pattern))]
