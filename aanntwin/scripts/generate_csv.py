"""The whole design space with its derived sizes, as CSV and without any training (`aanntwin-generate-csv`).

    aanntwin-generate-csv > designs.csv

writes 1480 designs for 28x28 images in a second, those with the fewest multipliers first.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aanntwin.config import IMAGE_SHAPES, N_CLASSES
from aanntwin.options import check_target
from aanntwin.reports import add_reports, take_reports
from aanntwin.scripts.design_space import COLUMNS, VARIED, Design, designs
from aanntwin.scripts.layout import table
from aanntwin.scripts.published import add_format
from common.cli import Parser, run_command
from common.runs.files import write_text

PROG = "aanntwin-generate-csv"
DESCRIPTION = """\
Write every valid design as CSV, by rising number of multipliers; nothing is trained. The published format has other
columns, a comma at the end of each line, and the order of the parameters.

example: aanntwin-generate-csv > designs.csv
"""
PUBLISHED = (*VARIED, "in_size", "feature_count", "conv_out_size", "pool_out_size", "final_size")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument(
        "--dataset-name", choices=tuple(IMAGE_SHAPES), default="MNIST", help="data set of the images (default: MNIST)"
    )
    parser.add_argument("--output-path", type=Path, metavar="FILE", help="write to FILE, not to standard output")
    add_format(parser, "columns and order")
    add_reports(parser)
    given = parser.parse_args(argv)
    reports = take_reports(vars(given))
    return run_command(PROG, lambda: reports.around(lambda: run(given.dataset_name, given.output_path, given.format)))


def run(dataset_name: str, output_path: Path | None = None, style: str = "ours") -> int:
    """Write the designs of a data set; returns 0."""
    check_target(output_path)
    found = designs(IMAGE_SHAPES[dataset_name])
    if style == "published":
        rows = [_published(design) for design in sorted(found, key=_parameters)]
        text = "".join(f"{','.join(row)},\n" for row in (PUBLISHED, *rows))
    else:
        rows = [design.cells for design in found]
        text = table(COLUMNS, rows, "csv")
    if output_path is None:
        sys.stdout.write(text)
    else:
        write_text(output_path, text)
        print(f"{len(rows)} designs in {output_path}")
    return 0


def _parameters(design: Design) -> tuple[int, ...]:
    return tuple(getattr(design.params, name) for name in VARIED)


def _published(design: Design) -> list[str]:
    """The cells of PUBLISHED, where feature_count is the number of classes."""
    sizes = design.sizes
    derived = (sizes.in_size, N_CLASSES, sizes.conv_out, sizes.pool_out, sizes.features)
    return [str(value) for value in (*_parameters(design), *derived)]


if __name__ == "__main__":
    sys.exit(main())
