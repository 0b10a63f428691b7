"""Load libngspice and print what had to be loaded before it.

`python scripts/load_ngspice.py LIBRARY [--folder FOLDER]` exits 0 if LIBRARY loads and is an ngspice. Libraries it
needs that the system does not have are taken from FOLDER and printed in the order of loading, relative to FOLDER.
Exit code 1 and one line on stderr otherwise. setup.sh runs it in a process of its own, since a bad library can crash.
"""

import argparse
import ctypes
import sys
from pathlib import Path


def load(library: Path, folder: Path | None, loaded_first: list[Path]) -> ctypes.CDLL:
    """Load a library, after those it needs from `folder`, which are appended to `loaded_first`.

    Raises OSError if it, or something it needs, can be loaded from neither the system nor `folder`.
    """
    while True:
        try:
            return ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            # "libfftw3.so.3: cannot open shared object file: ..." names one missing library at a time.
            missing = str(error).split(":")[0]
            if folder is None or "/" in missing:
                raise
            found = next(folder.rglob(missing), None)
            if found is None or found in loaded_first:
                raise
            load(found, folder, loaded_first)
            loaded_first.append(found)


def main(argv: list[str] | None = None) -> int:
    """Load the library named on the command line; the exit code is 0 if that works and it is ngspice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args(argv)
    loaded_first: list[Path] = []
    try:
        library = load(arguments.file, arguments.folder, loaded_first)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if not hasattr(library, "ngSpice_Init"):
        print(f"error: {arguments.file} is not an ngspice library", file=sys.stderr)
        return 1
    for path in loaded_first:
        print(path.relative_to(arguments.folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
