"""Paths or glob patterns of a command line: the files that they name."""

from __future__ import annotations

import glob
import os
from pathlib import Path


def matching(word: str) -> list[Path]:
    """What a path or a glob pattern names, sorted.

    An existing path is taken literally: brackets, stars and question marks in the name of a file or folder that exists,
    or of a folder at the beginning of a pattern (runs[new]/*), are no pattern.
    """
    place = Path(os.path.expanduser(word))
    known = next((path for path in (place, *place.parents) if os.path.lexists(path)), Path())
    if known == place:
        return [place]
    pattern = os.path.join(glob.escape(str(known)), place.relative_to(known))
    return [Path(found) for found in sorted(glob.glob(pattern))]
