"""Statistics of the weights' magnitudes, per layer and per channel (`aanntwin-analyze-weights`).

    aanntwin-analyze-weights weights.safetensors

prints a row for each tensor and for each output channel of its weights, in a second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aanntwin.scripts.layout import FORMATS, table
from aanntwin.weights import load_weights
from common.cli import Parser, run_command

if TYPE_CHECKING:
    from torch import Tensor

    from aanntwin.weights import Weights

PROG = "aanntwin-analyze-weights"
DESCRIPTION = """\
Print statistics of the magnitudes of a model's weights and biases: for each tensor, and for each output channel of the
weights. The standard deviation is that of a sample (n - 1); unique counts different magnitudes.

example: aanntwin-analyze-weights weights.safetensors --format csv
"""
HEADER = ("tensor", "channel", "min", "mean", "median", "max", "std", "sum", "count", "unique")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("file", type=Path, metavar="FILE", help="weights (.safetensors, or a published .pth)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="format of the table (default: text)")
    given = parser.parse_args(argv)
    return run_command(PROG, lambda: run(given.file, given.format))


def run(file: Path, style: str = "text") -> int:
    """Print the table of a weight file; returns 0."""
    sys.stdout.write(table(HEADER, list(rows(load_weights(file))), style))
    return 0


def rows(weights: Weights) -> Iterator[list[str]]:
    """The cells of every row: a tensor as a whole, then its output channels."""
    for name, tensor in weights.items():
        yield [name, "all", *_cells(tensor)]
        if tensor.ndim > 1:
            for number, channel in enumerate(tensor):
                yield [name, str(number), *_cells(channel)]


def magnitudes(values: Tensor) -> dict[str, float]:
    """Statistics of the absolute values of a tensor; the median of an even number is the mean of the middle two."""
    from torch import float64

    sizes = values.detach().to(float64).abs().flatten()
    return {
        "min": float(sizes.min()),
        "mean": float(sizes.mean()),
        "median": float(sizes.quantile(0.5)) if len(sizes) < 2**24 else float(sizes.median()),
        "max": float(sizes.max()),
        "std": float(sizes.std()) if len(sizes) > 1 else 0.0,
        "sum": float(sizes.sum()),
        "count": len(sizes),
        "unique": len(set(sizes.tolist())),
    }


def _cells(values: Tensor) -> list[str]:
    return [f"{value:d}" if isinstance(value, int) else f"{value:.6g}" for value in magnitudes(values).values()]


if __name__ == "__main__":
    sys.exit(main())
