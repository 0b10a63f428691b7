"""Run folders: write them safely, resume them, read them."""

from common.runs.folder import existing_folder, new_folder
from common.runs.read import RunRecord, load_run, load_runs
from common.runs.run import Run
from common.runs.signals import StopSignals
from common.runs.sweep_table import load_sweep

__all__ = [
    "Run",
    "RunRecord",
    "StopSignals",
    "existing_folder",
    "load_run",
    "load_runs",
    "load_sweep",
    "new_folder",
]
