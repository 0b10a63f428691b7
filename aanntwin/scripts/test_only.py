"""Test a weight file under given nonidealities (`aanntwin-test-only`).

    aanntwin-test-only weights.safetensors --nonidealities_linear_out_noise 0.5

prints the average loss and the accuracy over the test images, in seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aanntwin.config import Nonidealities, Settings
from aanntwin.data import load_split
from aanntwin.options import add_group, add_settings, take_group, take_settings
from aanntwin.reports import add_reports, take_reports
from aanntwin.scripts.source import OF_TRAINING, read_model, start, take_shape
from aanntwin.trainer import evaluate
from common.cli import Parser, run_command, whole

PROG = "aanntwin-test-only"
DESCRIPTION = """\
Test a weight file on the test images of a data set, with nonidealities that need not be those of its training.

example: aanntwin-test-only weights.safetensors --nonidealities_linear_out_noise 0.5 --runs 10
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("file", type=Path, metavar="FILE", help="weights (.safetensors, or a published .pth)")
    text = "number of tests, each with its own noise draw (default: 1)"
    parser.add_argument("--runs", type=whole(1), default=1, metavar="N", help=text)
    add_group(parser, "nonidealities", Nonidealities)
    add_reports(parser)
    add_settings(parser, without=(*OF_TRAINING, "testing_nonidealities"))
    values = vars(parser.parse_args(argv))
    reports = take_reports(values)

    def work() -> int:
        nonidealities = take_group(values, "nonidealities", Nonidealities)
        file, runs, shape = values.pop("file"), values.pop("runs"), take_shape(values)
        return run(file, take_settings(values).replace(testing_nonidealities=nonidealities), shape, runs)

    return run_command(PROG, lambda: reports.around(work, aside=False))


def run(file: Path, settings: Settings, shape: dict[str, int] | None = None, runs: int = 1) -> int:
    """Test a file and print loss and accuracy of every run; returns 0."""
    start(settings)
    weights, params = read_model(file, settings, shape or {})
    images, labels = load_split(settings, train=False)
    settings = settings.replace(model_params=params)
    for draw in range(runs):
        loss, accuracy = evaluate(weights, settings, images, labels, draw=draw)
        print(f"Average Loss:  {loss:.6f}\nAccuracy:      {accuracy:.4%}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
