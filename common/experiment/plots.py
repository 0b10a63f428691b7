"""The plots of a run, drawn when its status is final: outside its time, and whatever becomes of them, it is done.

A configuration offers --no-plots by a field `plots: bool = plots_option()`, and its experiment says what draws them.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from common.cli import option
from common.errors import Interrupted
from common.experiment.experiment import Experiment
from common.plotting import drawn_or_warned
from common.plugins import load
from common.runs.files import append_line
from common.runs.run import LOG


def plots_option() -> Any:
    """The field of a configuration that becomes --plots and --no-plots."""
    return option(True, "draw plots when the run is done", local=True)


def draw_plots(
    experiment: Experiment, done: Iterable[tuple[Any, Path]], echo: Callable[[str], None] | None = None
) -> None:
    """Draw the plots of runs that are done, where their settings want them.

    What goes wrong is a warning in the run's log.

    Args:
        experiment: of all of them.
        done: configuration and folder of each.
        echo: shows a warning on the screen too; None shows none.

    Raises:
        Interrupted: Ctrl-C.
    """
    if not experiment.plots:
        return
    for config, folder in done:
        if not getattr(config, "plots", True):
            continue
        later = f"{experiment.plots_command} {folder}"
        try:
            with drawn_or_warned(later, _warning(folder, echo)):
                load(experiment.plots, "plots")(folder, config)
        except KeyboardInterrupt:
            message = f"interrupted while plots were drawn; the run is done, draw them later: {later}"
            raise Interrupted(message, signal.SIGINT) from None


def _warning(folder: Path, echo: Callable[[str], None] | None) -> Callable[[str], None]:
    def warn(line: str) -> None:
        append_line(folder / LOG, line)
        if echo is not None:
            echo(line)

    return warn
