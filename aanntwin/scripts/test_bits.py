"""Accuracy against weight bits and full scale for one layer (`aanntwin-test-bits`).

    aanntwin-test-bits weights.safetensors --layer linear --type weight

tests 270 versions of the model in seconds and writes a table (CSV) and a heat map (PNG).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aanntwin.options import check_target
from aanntwin.plots import plot_bits
from aanntwin.quantization import clip, full_scale_of, quantize
from aanntwin.scripts.layout import table
from aanntwin.scripts.published import add_format
from aanntwin.scripts.source import Source, add_source, take_source
from aanntwin.weights import layer_names
from common.cli import Parser, run_command
from common.errors import InputError
from common.plotting import drawn_or_warned
from common.runs.files import write_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from aanntwin.scripts.bench import Bench
    from aanntwin.weights import Weights

PROG = "aanntwin-test-bits"
DESCRIPTION = """\
Test a weight file, or a model that is trained first, with one layer's weights or biases quantised: 0 to 7 bits (the
sign not counted) and full scales of 0.1 to 3 standard deviations; "clipped" is limited to it, not quantised.
The published format prints absolute full scales, comma-separated, and writes files only if --output_path is given.

example: aanntwin-test-bits weights.safetensors --layer linear --type weight
"""
BITS = range(8)
FULL_SCALES = tuple(round(0.1 * step, 1) for step in range(1, 31))
CLIPPED = "clipped"
KINDS = ("weight", "bias")
ENDINGS = (".csv", ".png")


@dataclass(frozen=True)
class Grid:
    """What to quantise (a layer's weight or bias), and how (mid-rise or mid-tread)."""

    layer: str = "linear"
    kind: str = "weight"
    with_zero: bool = False

    @property
    def tensor(self) -> str:
        """The name of the tensor."""
        return f"{self.layer}_{self.kind}"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s [FILE] [options]"
    add = parser.add_argument
    text = "conv2d, additional_linear_0, .., linear, or a tensor such as conv2d_bias (default: linear)"
    add("--layer", default="linear", metavar="NAME", help=text)
    add("--type", choices=KINDS, help="the layer's weight or bias (default: weight)")
    add("--with-zero", action="store_true", help="mid-tread: zero is a level (default: mid-rise)")
    text = "table and figure, two files (default: results/aanntwin/test_bits/<layer>_<type>)"
    add("--output-path", type=Path, metavar="OUT", help=text)
    add_format(parser, "format of the printed table")
    add_source(parser)
    values = vars(parser.parse_args(argv))

    def work() -> int:
        grid = _grid(values.pop("layer"), values.pop("type"), values.pop("with_zero"))
        output, style = values.pop("output_path"), values.pop("format")
        if output is None and style == "ours":
            output = Path("results/aanntwin/test_bits") / grid.tensor
        check_target(output, folder_is_made=True)
        for path in _targets(output):
            check_target(path, folder_is_made=True)
        source = take_source(values)
        if source.file is None:  # checked before the training begins
            extra = range(len(source.settings.model_params.additional_layers))
            _check_layer(["conv2d", *(f"additional_linear_{number}" for number in extra), "linear"], grid)
        return run(source, grid, output, style)

    return run_command(PROG, work)


def _grid(layer: str, kind: str | None, with_zero: bool) -> Grid:
    """The grid of --layer and --type; --layer may name the tensor itself."""
    name, _, own = layer.rpartition("_")
    if own not in KINDS:
        return Grid(layer, kind or "weight", with_zero)
    if kind not in (None, own):
        raise InputError(f"--layer {layer!r} and --type {kind} contradict each other; leave out --type")
    return Grid(name, own, with_zero)


def run(source: Source, grid: Grid, output: Path | None, style: str = "ours") -> int:
    """Test, print, and write OUT.csv and OUT.png where OUT is given; returns 0."""
    weights, settings = source.load()
    from aanntwin.scripts.bench import Bench

    _check_layer(layer_names(weights), grid)
    bench = Bench(settings, train=False)
    found = accuracies(weights, bench, grid)
    if style == "published":
        whole = float(bench.test_weights([weights]).accuracy[0])
        sys.stdout.write(published(weights[grid.tensor], found, whole, grid.tensor))
    if output is not None:
        _write(found, grid, output, show=style == "ours")
    return 0


def published(tensor: Tensor, found: NDArray[np.float64], whole: float, name: str) -> str:
    """The published program's lines: absolute full scale, accuracy when clipped, then with 0 to 7 bits, from 0 to 1."""
    lines = [f"Unlimited Accuracy: {whole!r}", ",".join(("ref", "float", *(str(bits) for bits in BITS)))]
    for deviations, column in zip(FULL_SCALES, found.T.tolist(), strict=True):
        cells = (full_scale_of(tensor, deviations, name), column[-1], *column[:-1])
        lines.append("".join(f"{value!r}," for value in cells))
    return "".join(f"{line}\n" for line in lines)


def _write(found: NDArray[np.float64], grid: Grid, output: Path, *, show: bool) -> None:
    header = ["full scale", *(f"{bits} bits" for bits in BITS), CLIPPED]
    rows = [
        [f"{scale:.1f}", *(f"{value:.4f}" for value in column)]
        for scale, column in zip(FULL_SCALES, found.T, strict=True)
    ]
    if show:
        sys.stdout.write(table(header, rows))
    csv_file, figure = _targets(output)
    csv_file.parent.mkdir(parents=True, exist_ok=True)
    write_text(csv_file, table(header, rows, "csv"))
    title = f"{grid.tensor}, {'mid-tread' if grid.with_zero else 'mid-rise'} levels"
    names = [*(str(bits) for bits in BITS), CLIPPED]
    made = [csv_file]
    with drawn_or_warned("start the command again"):
        made.append(plot_bits(found.tolist(), FULL_SCALES, names, figure, title=title))
    print(f"table and figure: {', '.join(map(str, made))}", file=sys.stdout if show else sys.stderr)


def _targets(output: Path | None) -> list[Path]:
    """OUT.csv and OUT.png (OUT may already have one of these suffixes); empty without OUT."""
    if output is None:
        return []
    name = output.stem if output.suffix in ENDINGS else output.name
    return [output.with_name(f"{name}{ending}") for ending in ENDINGS]


def accuracies(weights: Weights, bench: Bench, grid: Grid) -> NDArray[np.float64]:
    """Accuracies from 0 to 1, (bits and then clipped, full scales).

    Raises:
        InputError: there is no such tensor, or its values do not differ.
    """
    tensor = weights[grid.tensor]
    changed = [version for bits in (*BITS, None) for version in _versions(tensor, bits, grid)]
    tested = bench.test_weights([{**weights, grid.tensor: version} for version in changed])
    found: NDArray[np.float64] = tested.accuracy.reshape(len(BITS) + 1, len(FULL_SCALES))
    return found


def _versions(tensor: Tensor, bits: int | None, grid: Grid) -> list[Tensor]:
    """The tensor at every full scale; without bits it is only clipped."""
    scales = [full_scale_of(tensor, deviations, grid.tensor) for deviations in FULL_SCALES]
    if bits is None:
        return [clip(tensor, scale) for scale in scales]
    return [quantize(tensor, bits, scale, with_zero=grid.with_zero) for scale in scales]


def _check_layer(layers: Sequence[str], grid: Grid) -> None:
    if grid.layer not in layers:
        raise InputError(f"--layer {grid.layer!r}: the model has no such layer, allowed: {', '.join(layers)}")


if __name__ == "__main__":
    sys.exit(main())
