"""The whole design space with its derived sizes, as CSV and without any training (`aanntwin-generate-csv`).

    aanntwin-generate-csv > designs.csv

writes 1480 designs for 28x28 images in a second, those with the fewest multipliers first.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aanntwin.config import IMAGE_SHAPES
from aanntwin.scripts.design_space import COLUMNS, designs
from aanntwin.scripts.layout import table
from common.cli import Parser, run_command

PROG = "aanntwin-generate-csv"
DESCRIPTION = """\
Write every valid design as CSV, by rising number of multipliers; nothing is trained.

example: aanntwin-generate-csv > designs.csv
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument(
        "--dataset-name", choices=tuple(IMAGE_SHAPES), default="MNIST", help="whose images (default: MNIST)"
    )
    parser.add_argument(
        "--output-path", type=Path, metavar="FILE", help="write there instead of to the standard output"
    )
    given = parser.parse_args(argv)
    return run_command(PROG, lambda: run(given.dataset_name, given.output_path))


def run(dataset_name: str, output_path: Path | None = None) -> int:
    """Write the designs of a data set; returns 0."""
    from common.runs.files import write_text

    rows = [design.cells for design in designs(IMAGE_SHAPES[dataset_name])]
    text = table(COLUMNS, rows, "csv")
    if output_path is None:
        sys.stdout.write(text)
    else:
        write_text(output_path, text)
        print(f"{len(rows)} designs in {output_path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
