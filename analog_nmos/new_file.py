"""A file that a command is to make: checked before any work is done for it."""

from __future__ import annotations

import os
from pathlib import Path

from common.errors import InputError
from common.inputs import shorten

NAME_BYTES = 230  # file systems allow 255, and temporary files and figures have longer names


def check_new_file(path: Path, force: bool) -> None:
    """Raise InputError if there can be no such file, or there is one and `force` does not replace it."""
    if len(os.fsencode(path.name)) > NAME_BYTES:
        raise InputError(f"{shorten(path)}: the name is too long; at most {NAME_BYTES} bytes are allowed")
    # os.path: the methods of Path raise OSError for names that are too long
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        raise InputError(f"{path}: name a file in a folder that exists")
    if os.path.exists(path) and not force:
        raise InputError(f"{path}: exists already; name another file, or replace it with --force")
