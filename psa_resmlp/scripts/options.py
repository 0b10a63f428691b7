"""Options that the commands share: which table to read, which architectures, and where to write."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common.cli import Parser
from common.errors import InputError
from common.runs.files import write_text
from psa_resmlp.study.architectures import FAMILIES, Architecture, chosen
from psa_resmlp.study.data import DATASETS, MNIST_VALIDATION_ZEROR, validation_zeror
from psa_resmlp.tables.files import find_trials, read_study
from psa_resmlp.tables.regimes import CLASSIFIERS, FIRST, SECOND
from psa_resmlp.tables.study import Study

RESULTS = Path("results")
# Where tables are looked for without an option: the published place, and where psa-sagemaker-results-parser writes.
TABLE_FOLDERS = (RESULTS, RESULTS / "psa_sagemaker")
TRIALS_FILE = RESULTS / "psa_resmlp_trials.md"


def add_config_file(parser: Parser) -> None:
    """--config-file: which architectures."""
    text = "text file with architectures, one a line (default: the study's 98)"
    parser.add_argument("--config-file", type=Path, metavar="FILE", help=text)


def add_family(parser: Parser) -> None:
    """--family: the family of a table's networks."""
    text = f"family of the table's networks: {', '.join(FAMILIES)} (default: from the table's title)"
    parser.add_argument("--family", choices=FAMILIES, metavar="NAME", help=text)


def add_input(parser: Parser) -> None:
    """--trials-file and --config-file."""
    text = (
        f"trials table (.md or .csv), or a folder that holds one (default: {TRIALS_FILE}, else in {TABLE_FOLDERS[1]})"
    )
    names = ("--trials-file", "--input-dir")  # the second paper's program takes a folder by the latter
    parser.add_argument(*names, dest="trials_file", type=Path, metavar="FILE", help=text)
    text = "text file with architectures, one a line (default: all of the table)"
    parser.add_argument("--config-file", type=Path, metavar="FILE", help=text)


def study_of(arguments: argparse.Namespace) -> tuple[Study, list[Architecture]]:
    """The table and the architectures to show: those of --config-file, else the table's own.

    Raises:
        InputError: a file is missing or wrong, or the table has none of the architectures.
    """
    file = find_trials(arguments.trials_file or default_table(TRIALS_FILE.name))
    study = read_study(file, arguments.family)
    wanted = list(study.cells) if arguments.config_file is None else chosen(arguments.config_file)
    if not any(study.cells.get(one) for one in wanted):
        raise InputError(f"{file} has no trials of these architectures")
    return study, wanted


def default_table(name: str) -> Path:
    """A table in the first of TABLE_FOLDERS that has it; prints the path if that is not the first folder."""
    found = next((folder / name for folder in TABLE_FOLDERS if (folder / name).is_file()), TABLE_FOLDERS[0] / name)
    if found.parent != TABLE_FOLDERS[0]:
        print(f"reading {found}", file=sys.stderr)
    return found


def add_zeror(parser: Parser) -> None:
    """--zeror, or --dataset to compute it from: the accuracy of always naming the largest class."""
    text = f"validation accuracy of the largest class, percent (default: {MNIST_VALIDATION_ZEROR}, MNIST's)"
    parser.add_argument("--zeror", type=float, metavar="X", help=text)
    text = f"compute it from the labels of this data set instead: {', '.join(DATASETS)}"
    parser.add_argument("--dataset", choices=DATASETS, metavar="NAME", help=text)
    parser.add_argument("--data-root", type=Path, metavar="DIR", help="folder of MNIST (default: $NONIDEAL_DATA)")


def zeror_of(arguments: argparse.Namespace) -> float:
    """The accuracy of always naming the largest class, in percent.

    Raises:
        InputError: both options are given, the value is no percentage, or the data set cannot be read.
    """
    given: float | None = arguments.zeror
    if arguments.dataset is not None:
        if given is not None:
            raise InputError("--zeror and --dataset: give one of them")
        return validation_zeror(arguments.dataset, arguments.data_root)
    if given is not None and not 0 <= given <= 100:
        raise InputError(f"argument --zeror: {given:g} is out of range; it must be from 0 to 100")
    return MNIST_VALIDATION_ZEROR if given is None else given


def add_classifier(parser: Parser) -> None:
    """--classifier: whose rules decide on regimes."""
    text = f"rules for regimes: the {FIRST} paper's, or the {SECOND}'s (default: {SECOND})"
    parser.add_argument("--classifier", choices=CLASSIFIERS, default=SECOND, metavar="NAME", help=text)


def add_output(parser: Parser) -> None:
    """--output: a file to write instead of printing."""
    parser.add_argument("--output", type=Path, metavar="FILE", help="write to this file instead of printing")


def put(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file in one step; missing folders are made.

    Raises:
        OSError: it cannot be written.
    """
    if output is None:
        print(text, end="")
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, text)
    print(f"written: {output}")
