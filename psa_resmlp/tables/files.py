"""The files of the tables: psa_resmlp_* for ResMLP and psa_simplemlp_* for the plain MLP."""

from __future__ import annotations

from pathlib import Path

from common.errors import InputError
from common.runs.files import write_text
from psa_resmlp.study.architectures import ARCHITECTURES
from psa_resmlp.study.reading import text_of
from psa_resmlp.tables.csv_files import parse_trials_csv, summary_csv, trials_csv
from psa_resmlp.tables.study import Study
from psa_resmlp.tables.summary import SummaryTable, format_summary, from_study, parse_summary
from psa_resmlp.tables.trials import format_trials, parse_trials

STEMS = {"resmlp": "psa_resmlp", "mlp": "psa_simplemlp"}
TRIALS, SUMMARY = "trials", "summary"
ADVICE = "psa-sweep writes psa_resmlp_trials.md"


def write_study(folder: Path, study: Study) -> list[Path]:
    """Write <stem>_summary and <stem>_trials, each as .md and .csv, and return the four paths.

    Architectures come in the study's order, followed by others. Every file is written completely or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    ordered = study.ordered(ARCHITECTURES)
    stem = STEMS[study.family]
    texts = {
        f"{stem}_{SUMMARY}.md": format_summary(ordered),
        f"{stem}_{TRIALS}.md": format_trials(ordered),
        f"{stem}_{SUMMARY}.csv": summary_csv(ordered),
        f"{stem}_{TRIALS}.csv": trials_csv(ordered),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def find_trials(path: Path) -> Path:
    """The trials table that a path means: a file, or a folder that holds one (CSV first: it has more digits).

    Raises:
        InputError: there is none, or tables of both families.
    """
    if not path.is_dir():
        return path
    found = []
    for stem in STEMS.values():
        files = [path / f"{stem}_{TRIALS}{ending}" for ending in (".csv", ".md")]
        found += [file for file in files if file.is_file()][:1]
    if len(found) != 1:
        reason = "holds tables of both families" if found else f"holds no psa_resmlp_{TRIALS}.md"
        raise InputError(f"folder {path} {reason}; name the file")
    return found[0]


def read_study(path: str | Path, family: str | None = None) -> Study:
    """Read a trials table, Markdown or CSV, or the folder that holds it.

    Args:
        path: file or folder.
        family: family of a Markdown table's networks; by default from its title. A CSV file has a column for it.

    Raises:
        InputError: missing, or not such a table.
    """
    file = find_trials(Path(path))
    text = text_of(file, "trials table", ADVICE)
    if file.suffix == ".csv":
        study = parse_trials_csv(text, source=str(file))
        if family not in (None, study.family):
            raise InputError(f"{file} is about the family {study.family}, not {family}")
        return study
    return parse_trials(text, family=family, source=str(file))


def read_summary_file(path: str | Path, family: str | None = None) -> SummaryTable:
    """Read a summary table, or the statistics of a trials table or a folder with one.

    Raises:
        InputError: missing, or neither of both.
    """
    file = Path(path)
    if file.is_dir() or file.suffix == ".csv":
        return from_study(read_study(file, family))
    text = text_of(file, "table", ADVICE)
    if "### Architecture:" in text and "Results Shape {" not in text:
        return from_study(parse_trials(text, family=family, source=str(file)))
    return parse_summary(text, family=family, source=str(file))
