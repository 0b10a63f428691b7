"""Class counts of the study's data, and what always naming the largest class reaches (`psa-analyze-dataset`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.cli import Parser, run_command
from psa_resmlp.study.data import DATASETS, Labels, load_study, zeror

DESCRIPTION = """\
Print the class counts of the full training set, the test set, and the two parts that training uses, with ZeroR: the
accuracy of always naming the largest class.

example: psa-analyze-dataset
         mnist: 11.24 percent of the full training set, 11.35 test, 11.28 split training, 11.02 split validation
"""


@dataclass(frozen=True)
class Part:
    """Class counts (10,) of one part, its largest class (the smallest of equals), and ZeroR in percent."""

    title: str
    counts: tuple[int, ...]
    largest: int
    zeror: float

    @property
    def total(self) -> int:
        """Number of images."""
        return sum(self.counts)


def analyze(dataset: str, root: Path | None = None) -> list[Part]:
    """The four parts of a data set: full train, test, split train, split validation.

    Raises:
        InputError: unknown name, or MNIST is not there and cannot be downloaded.
    """
    data = load_study(dataset, root)
    full = np.concatenate([data.train_y, data.val_y])
    parts = (
        ("full train", full),
        ("test", data.test_y),
        ("split train", data.train_y),
        ("split validation", data.val_y),
    )
    return [_part(title, labels) for title, labels in parts]


def _part(title: str, labels: Labels) -> Part:
    counts = np.bincount(labels, minlength=10)
    return Part(title, tuple(int(count) for count in counts), int(counts.argmax()), zeror(labels))


def describe(parts: Sequence[Part]) -> str:
    """The table, a row per class and a column per part, and below it the totals and ZeroR."""
    rows = [["class", *(part.title for part in parts)]]
    rows += [[str(k), *(_share(part.counts[k], part.total) for part in parts)] for k in range(10)]
    rows.append(["images", *(f"{part.total:,}" for part in parts)])
    rows.append(["largest class", *(str(part.largest) for part in parts)])
    rows.append(["ZeroR (%)", *(f"{part.zeror:.2f}" for part in parts)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(f'{cell:>{w}}' for cell, w in zip(row, widths, strict=True))} |" for row in rows)


def _share(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.2f} %)"


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-analyze-dataset`; see DESCRIPTION."""
    parser = Parser(prog="psa-analyze-dataset", description=DESCRIPTION)
    text = f"data set: {', '.join(DATASETS)} (default: mnist)"
    parser.add_argument("--dataset", choices=DATASETS, default="mnist", metavar="NAME", help=text)
    parser.add_argument("--data-root", type=Path, metavar="DIR", help="folder of MNIST (default: $NONIDEAL_DATA)")
    arguments = parser.parse_args(argv)

    def work() -> int:
        print(describe(analyze(arguments.dataset, arguments.data_root)))
        return 0

    return run_command("psa-analyze-dataset", work)
