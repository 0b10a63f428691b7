"""Run a console script of pyproject.toml from the code that is tested: python call.py COMMAND WORDS..."""

import importlib
import sys
import tomllib
from pathlib import Path

if __name__ == "__main__":
    pyproject = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    module, _, name = pyproject["project"]["scripts"][sys.argv[1]].partition(":")
    sys.path[0] = str(Path(__file__).parents[2])  # a console script has its own folder there, and not the working one
    sys.exit(getattr(importlib.import_module(module), name)(sys.argv[2:]))
