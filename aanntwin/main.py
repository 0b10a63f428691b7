"""Train a twin and test it.

    aanntwin --dataset_name digits --count_epoch 5 --training_nonidealities_input_noise 0.1

prints the average loss and the accuracy on the test images (MNIST with all defaults: 91.8 percent after one epoch, in
a few seconds). Weights of every epoch are cached, so that the same command trains nothing the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aanntwin.options import add_settings, check_target, take_settings
from common.cli import Parser, add_options, build, option, run_command
from common.errors import InputError

PROG = "aanntwin"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do with the settings."""

    count_epoch: int = option(100, "epochs of training, those in the cache included", low=0)
    normalize: bool = option(False, "rescale each layer to a largest output of 1, test again, and save that")
    test_each_epoch: bool = option(False, "test after each epoch, cached ones too")
    test_last_epoch: bool = option(False, "test after the last epoch; it is always tested")
    no_cache: bool = option(False, "neither read nor write the cache")
    cache_dir: Path = option(Path("cache/models"), "folder of the cached epochs")
    output_path: Path | None = option(
        None, "save the final weights (.pth as PyTorch does, else safetensors)", empty=True
    )
    export_csv: Path | None = option(None, "write the final weights as a table")
    export_spice: Path | None = option(None, "write the final weights as .param lines for a SPICE netlist")
    print_rate: int | None = option(None, "print the loss every so many steps; 0 or none never", low=0, empty=True)
    print_git_info: bool = option(False, "print the commit that this code runs from")
    timed: bool = option(False, "print the seconds of training and tests")
    dry_run: bool = option(False, "check everything, estimate the time, and write nothing")
    run_dir: Path | None = option(None, "run folder (default: $RUN_DIR, else a new one below results/aanntwin/runs)")
    quiet: bool = option(False, "print nothing but the results of tests")

    def check(self) -> None:
        """Raise InputError where a file could not be written."""
        for path in (self.output_path, self.export_csv, self.export_spice):
            check_target(path)
        if self.cache_dir.exists() and not self.cache_dir.is_dir():
            raise InputError(f"--cache-dir {self.cache_dir}: is a file; name a folder")


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code. torch and numba are loaded when all options have been checked."""
    parser = Parser(prog=PROG, description="Train and test the digital twin of an analog convolutional network.")
    add_options(parser, Plan)
    add_settings(parser)
    values = vars(parser.parse_args(argv))
    return run_command(PROG, lambda: _work(values))


def _work(values: dict[str, Any]) -> int:
    settings = take_settings(values)
    plan = build(Plan, values)
    from aanntwin.session import dry_run, run

    if plan.dry_run:
        dry_run(settings, plan)
    else:
        run(settings, plan)
    return 0


if __name__ == "__main__":
    import sys

    sys.exit(main())
