"""Tables of meta-loops from fetched logs (`psa-sagemaker-logs-parser`)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli import Parser, add_options, build, option, run_command
from common.errors import InputError
from common.progress import Progress
from psa_resmlp.sagemaker.get_training_logs import LOGS
from psa_resmlp.sagemaker.job_list import OUTPUT
from psa_resmlp.sagemaker.log_lines import LogReader, TrialLines, files_of
from psa_resmlp.sagemaker.log_tables import write_tables
from psa_resmlp.sagemaker.names import Cell, JobName, by_cell, parse_job_name
from psa_resmlp.study.architectures import FAMILIES

PROG = "psa-sagemaker-logs-parser"
FETCH = "psa-sagemaker-get-training-logs"
DESCRIPTION = f"""\
Read the logs that {FETCH} has fetched (needs no connection) and write for every
meta-loop the validation accuracy and the growth of that of the best network (LKG): means over the trials, and every
trial as CSV. Attempts at the same training are joined. Logs of the published program are read too; of several of its
jobs for an architecture and mode the latest counts.

example: psa-sagemaker-logs-parser
         588 jobs, 5880 trials of 588 architectures and modes; 0 without a meta-loop: written psa_resmlp_trials_...
"""


@dataclass(frozen=True, kw_only=True)
class ParserConfig:
    """What to read and write"""

    logs_dir: Path = option(LOGS, "folder that holds a folder of logs for every job")
    output_dir: Path = option(OUTPUT, "folder for the tables")
    family: str = option("resmlp", "family of the jobs' networks", choices=FAMILIES)
    quiet: bool = option(False, "print nothing but errors", local=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command `psa-sagemaker-logs-parser`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    add_options(parser, ParserConfig)
    given = vars(parser.parse_args(argv))
    return run_command(PROG, lambda: _work(build(ParserConfig, given)))


def _work(config: ParserConfig) -> int:
    jobs = jobs_in(config.logs_dir)
    cells, silent = read_cells(config.logs_dir, jobs, quiet=config.quiet)
    if not cells:
        raise InputError(f"no log of the {len(jobs)} jobs in {config.logs_dir} has a meta-loop yet; fetch them later")
    paths = write_tables(config.output_dir, cells, config.family)
    if not config.quiet:
        trials = sum(map(len, cells.values()))
        print(
            f"{len(jobs)} jobs, {trials} trials of {len(cells)} architectures and modes; {len(silent)} without a "
            f"meta-loop: written {', '.join(map(str, paths))}"
        )
    return 0


def jobs_in(folder: Path) -> list[JobName]:
    """The jobs that have a folder there; other folders are ignored.

    Raises:
        InputError: there is none, or they belong to several studies.
    """
    if not folder.is_dir():
        raise InputError(f"folder of logs {folder} does not exist; {FETCH} makes it")
    names = (parse_job_name(path.name) for path in sorted(folder.iterdir()) if path.is_dir())
    jobs = [name for name in names if name is not None]
    if not jobs:
        raise InputError(f"folder of logs {folder} has no folder of a job; {FETCH} makes them")
    studies = sorted({job.study for job in jobs})
    if len(studies) > 1:
        shown = " and ".join(study or "the published program's" for study in studies)
        raise InputError(
            f"{folder} has logs of several studies ({shown}), which cannot be in one table; fetch each into a separate "
            "folder with --output-dir"
        )
    return jobs


def read_cells(
    folder: Path, jobs: Sequence[JobName], *, quiet: bool = False
) -> tuple[Mapping[Cell, Mapping[int, TrialLines]], list[JobName]]:
    """Trials by number of every architecture and mode that has some, and the jobs whose logs have no meta-loop.

    Our jobs of a cell are attempts at one training, whose later lines win. Each job of the published program is a
    training of its own, and the latest that has trials counts.

    Raises:
        OSError: a file cannot be read.
    """
    found: dict[Cell, Mapping[int, TrialLines]] = {}
    silent: list[JobName] = []
    with Progress(len(jobs), quiet=quiet) as bar:
        bar.describe("logs")
        for cell, names in by_cell(jobs).items():
            reader = LogReader(cell.mode)
            for name in names:
                reader = reader if name.study else LogReader(cell.mode)
                if reader.read(files_of(folder / name.text)):
                    found[cell] = reader.finished()
                else:
                    silent.append(name)
                bar.advance()
    return found, silent


if __name__ == "__main__":
    sys.exit(main())
