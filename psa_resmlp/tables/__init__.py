"""The study's tables: read and written as Markdown in the published layout, and as CSV."""

from psa_resmlp.tables.csv_files import summary_csv, trials_csv
from psa_resmlp.tables.files import SUMMARY, TRIALS, find_trials, read_study, read_summary_file, write_study
from psa_resmlp.tables.study import Study, Summary, Trial, summarise
from psa_resmlp.tables.summary import SummaryTable, format_summary, parse_summary
from psa_resmlp.tables.trials import format_trials, parse_trials

__all__ = [
    "SUMMARY",
    "TRIALS",
    "Study",
    "Summary",
    "SummaryTable",
    "Trial",
    "find_trials",
    "format_summary",
    "format_trials",
    "parse_summary",
    "parse_trials",
    "read_study",
    "read_summary_file",
    "summarise",
    "summary_csv",
    "trials_csv",
    "write_study",
]
