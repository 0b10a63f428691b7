"""Find what a chip must reach for a trained model: noise, clipping levels, weight bits (`aanntwin-spec`).

    aanntwin-spec weights.safetensors --target_loss 1

prints for each imperfection the worst level that costs at most one point of accuracy, with an interval; for MNIST
in about a minute of processor time.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aanntwin.data import load_split
from aanntwin.normalize import normalize
from aanntwin.options import check_target
from aanntwin.scripts.layout import FORMATS, table
from aanntwin.scripts.source import Source, add_source, number, take_source
from common.cli import Parser, run_command, whole
from common.errors import InputError
from common.runs.files import write_text

if TYPE_CHECKING:
    from aanntwin.scripts.spec_quantities import Found
    from aanntwin.scripts.spec_search import Limit

PROG = "aanntwin-spec"
DESCRIPTION = """\
For a weight file, or a model that is trained first, find how much of each imperfection alone it tolerates: the largest
noises, the smallest clips and the fewest weight bits whose mean loss of accuracy is at most the target.

Layers are normalised first (--as_is leaves that out), so that noises and clips of layer outputs are in units of full
scale. Every level is compared with the unimpaired model on the same test images and the same draws of noise. Intervals
are 95 percent bootstrap intervals over test images and draws: how the limit varies with the sample of images.
Full scales of quantised weights are chosen on training images.

example: aanntwin-spec weights.safetensors --target_loss 1 --format markdown
"""
MOST_DRAWS = 1000  # a result per test image is stored for each
HEADER = (
    "imperfection",
    "limit",
    "95% interval",
    "unit",
    "dB of full scale",
    "loss there (points)",
    "its 95% interval",
)


@dataclass(frozen=True)
class Plan:
    """What to find.

    Attributes:
        target_loss: of accuracy, in percentage points.
        draws: of noise per level.
        precision: relative precision of noises and clips.
        images: test images, the first ones; 0 for all.
        tuning_images: training images on which full scales are chosen, the first ones.
        reference: largest output of every layer after normalisation; None leaves the weights as they are.
    """

    target_loss: float = 1.0
    draws: int = 10
    precision: float = 0.01
    images: int = 0
    tuning_images: int = 5_000
    reference: float | None = 1.0


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s [FILE] [options]"
    add = parser.add_argument_group("what to find").add_argument
    positive = number(0, above=True)
    add(
        "--target-loss",
        type=positive,
        default=1.0,
        metavar="X",
        help="allowed loss of accuracy [percentage points] (default: 1)",
    )
    add("--draws", type=whole(1), default=10, metavar="N", help="draws of noise for every level (default: 10)")
    text = "relative precision of noises and clips (default: 0.01)"
    add("--precision", type=positive, default=0.01, metavar="X", help=text)
    add("--images", type=whole(2), default=0, metavar="N", help="use the first N test images (default: all)")
    text = "training images on which full scales of weights are chosen (default: 5000)"
    add("--tuning-images", type=whole(1), default=5_000, metavar="N", help=text)
    add(
        "--reference",
        type=positive,
        default=1.0,
        metavar="X",
        help="largest output of every layer after normalisation (default: 1)",
    )
    add("--as-is", action="store_true", help="do not normalise; noises and clips are in the weights' own units")
    add("--format", choices=FORMATS, default="text", help="format of the table (default: text)")
    add("--output-path", type=Path, metavar="OUT", help="also write the table to this file")
    add_source(parser)
    values = vars(parser.parse_args(argv))
    return run_command(PROG, lambda: _work(values))


def _work(values: dict[str, Any]) -> int:
    style, output, as_is = values.pop("format"), values.pop("output_path"), values.pop("as_is")
    check_target(output)
    names = ("target_loss", "draws", "precision", "images", "tuning_images", "reference")
    plan = Plan(**{name: values.pop(name) for name in names})
    if plan.target_loss >= 100:
        raise InputError(f"--target_loss is {plan.target_loss:g} percentage points, allowed: below 100")
    if plan.draws > MOST_DRAWS:
        raise InputError(f"--draws is {plan.draws}, allowed: 1 to {MOST_DRAWS}")
    if as_is:
        plan = Plan(**{**vars(plan), "reference": None})
    return run(take_source(values), plan, style, output)


def run(source: Source, plan: Plan, style: str = "text", output: Path | None = None) -> int:
    """Find the limits, print the table, and write it to a file if one is named; returns 0."""
    weights, settings = source.load()
    from aanntwin.scripts.bench import Bench
    from aanntwin.scripts.spec_quantities import Requirement, Spec

    if plan.reference is not None:
        weights, _ = normalize(weights, settings, load_split(settings, train=True)[0], plan.reference)
    bench = Bench(settings, train=False, most=plan.images)
    tuning = Bench(settings, train=True, most=plan.tuning_images)
    wanted = Requirement(plan.target_loss / 100, plan.draws, plan.precision)
    spec = Spec(weights, bench, tuning, wanted, plan.reference or 1.0)
    found = list(spec.rows())
    rows = [_cells(row, plan, spec.input_scale) for row in found]
    together = spec.together(found)
    text = table(HEADER, rows, style)
    if output is not None:
        write_text(output, text)
    note = (
        f"accuracy without them {spec.base.mean():.2%} on {len(bench.labels)} test images; all limits at once cost "
        f"{_points(together.loss)} points ({_points(together.loss_low)} to {_points(together.loss_high)})"
    )
    sys.stdout.write(text)
    print(note, file=sys.stderr if style == "csv" else sys.stdout)
    return 0


def _cells(row: Found, plan: Plan, input_scale: float) -> list[str]:
    limit, kind = row.limit, row.nonideality
    show, decibels = "{:.0f}".format, ""
    if kind is None:
        unit = "bits and a sign" + (f", full scale {row.full_scale:g} sd" if row.full_scale else "")
    else:
        scale = input_scale if kind.of_image() else plan.reference
        layers = "of a layer's largest output" if plan.reference else "as stored"
        unit = "of the input's range" if kind.of_image() else layers
        show = "{:.3g}".format
        if limit.value is not None and scale is not None:
            decibels = f"{20 * math.log10(limit.value / scale):.1f}"
    return [
        row.title,
        _value(limit, show, "<= " if kind is None or not kind.rising else ">= "),
        f"{show(limit.low)} to {show(limit.high)}",
        unit,
        decibels,
        _points(limit.loss),
        f"{_points(limit.loss_low)} to {_points(limit.loss_high)}",
    ]


def _value(limit: Limit, show: Any, sign: str) -> str:
    """The limit; with the sign in front where the search reached an end of its levels."""
    return "none" if limit.value is None else f"{sign if limit.open else ''}{show(limit.value)}"


def _points(fraction: float) -> str:
    return f"{100 * fraction:.2f}"


if __name__ == "__main__":
    sys.exit(main())
