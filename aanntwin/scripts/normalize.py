"""Rescale every layer so that its largest output is a reference value (`aanntwin-normalize`).

    aanntwin-normalize weights.safetensors --output_path normalised.safetensors

prints each layer's range of outputs over the training images before and after, and the test loss and accuracy.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aanntwin.data import load_split
from aanntwin.normalize import normalize
from aanntwin.options import check_target
from aanntwin.scripts.layout import table
from aanntwin.scripts.source import Source, add_source, number, take_source
from aanntwin.trainer import evaluate
from aanntwin.weights import save_weights
from common.cli import Parser, run_command

PROG = "aanntwin-normalize"
DESCRIPTION = """\
Rescale every layer of a weight file, or of a model that is trained first, so that its largest output over the training
images is the reference. The logits keep their ratios, so the accuracy does not change; the loss may.

example: aanntwin-normalize weights.safetensors --reference 0.8 --output_path normalised.safetensors
"""
HEADER = ("layer", "min before", "max before", "min after", "max after", "reference")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.usage = "%(prog)s [FILE] [options]"
    text = "largest output of every layer, or one value per layer (default: 1)"
    parser.add_argument("--reference", type=number(0, above=True), nargs="+", default=[1.0], metavar="X", help=text)
    parser.add_argument("--output-path", type=Path, metavar="OUT", help="where to save the rescaled weights")
    add_source(parser)
    values = vars(parser.parse_args(argv))

    def work() -> int:
        reference, output = values.pop("reference"), values.pop("output_path")
        check_target(output)
        return run(take_source(values), tuple(reference), output)

    return run_command(PROG, work)


def run(source: Source, reference: Sequence[float] = (1.0,), output: Path | None = None) -> int:
    """Rescale, print ranges and tests, and save; returns 0."""
    weights, settings = source.load()
    images, _ = load_split(settings, train=True)
    test_images, labels = load_split(settings, train=False)
    scaled, report = normalize(weights, settings, images, reference[0] if len(reference) == 1 else reference)
    rows = [[line.layer, *(f"{x:.6g}" for x in (*line.before, *line.after, line.reference))] for line in report]
    sys.stdout.write(table(HEADER, rows))
    for name, state in (("before", weights), ("after", scaled)):
        loss, accuracy = evaluate(state, settings, test_images, labels)
        print(f"{name}:\nAverage Loss:  {loss:.6f}\nAccuracy:      {accuracy:.4%}")
    if output is not None:
        save_weights(output, scaled, settings.model_params)
        print(f"weights in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
