"""What a sweep has left in its folder, and the environment of its processes."""

import csv
import os
from collections import Counter
from pathlib import Path

ROOT, HERE = Path(__file__).parents[3], Path(__file__).parent


def environment(**more):
    paths = os.pathsep.join(map(str, (ROOT, HERE)))
    return {**os.environ, "PYTHONPATH": paths, **{name: str(value) for name, value in more.items()}}


def rows(folder):
    """results.csv without the column of times."""
    with open(Path(folder) / "results.csv", newline="") as stream:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(stream)]


def calls(folder):
    """How often each run was called, by seed."""
    return Counter(int(line.split()[0]) for line in (Path(folder) / "calls.txt").read_text().splitlines())
