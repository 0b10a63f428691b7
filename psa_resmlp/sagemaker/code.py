"""The code that jobs run: this installation's `common` and `psa_resmlp` in an archive, with their requirements."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from common.errors import InputError
from common.inputs import read_json
from common.runs.origin import COMMIT, git_version

PACKAGES = ("common", "psa_resmlp")
GIT_FILE = "git.json"
ENDINGS = (".py", ".sh", ".toml")
# The requirements in pyproject.toml that training imports; torch comes with the image.
NEEDED = ("numba", "numpy", "rich", "safetensors", "scikit-learn")
ARCHIVE, START = "code.tar.gz", "start.sh"


@dataclass(frozen=True)
class Code:
    """The two files of a job's code by name, and the first sixteen hexadecimal digits of their hash."""

    files: dict[str, bytes]
    digest: str

    @property
    def folder(self) -> str:
        """Their place in a study's folder."""
        return f"code/{self.digest}"


def pack() -> Code:
    """Pack the code of this installation; the same code gives the same bytes.

    Raises:
        InputError: nonideal is not installed, so that its requirements are not known.
    """
    root = Path(__file__).parents[2]
    files = {
        str(path.relative_to(root)): path.read_bytes()
        for package in PACKAGES
        for path in sorted((root / package).rglob("*"))
        if path.suffix in ENDINGS
    }
    git = git_version(root)
    if git is not None:
        files[GIT_FILE] = json.dumps(git).encode()
    files["requirements.txt"] = "".join(f"{line}\n" for line in requirements()).encode()
    packed = {ARCHIVE: _archive(files), START: Path(__file__).with_name(START).read_bytes()}
    digest = hashlib.sha256(b"".join(packed[name] for name in sorted(packed))).hexdigest()[:16]
    return Code(packed, digest)


def name_commit() -> None:
    """In a job, set the commit of its code for run_meta.json; see `common.runs.origin`."""
    try:
        found = read_json(Path(__file__).parents[2] / GIT_FILE, "commit")
        os.environ[COMMIT] = f"{found['commit']}{'-dirty' if found['dirty'] else ''}"
    except (InputError, KeyError):
        return


def requirements() -> list[str]:
    """Those of nonideal's requirements that training needs, in pip's notation.

    Raises:
        InputError: nonideal is not installed.
    """
    try:
        every = metadata.requires("nonideal") or []
    except metadata.PackageNotFoundError:
        raise InputError("nonideal is not installed; `poetry install` or `pip install` it, then start again") from None
    lines = [line.replace(" ", "").replace("(", "").replace(")", "") for line in every if "extra ==" not in line]
    return sorted(line for line in lines if re.split(r"[<>=!~;\[]", line)[0].lower() in NEEDED)


def _archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
