"""The style of all figures: matplotlib's defaults and our own settings, whatever the user's own settings are.

A matplotlibrc (in the working folder, $MATPLOTLIBRC or ~/.config/matplotlib) and MPLBACKEND are made for other work: a
setting that asks for LaTeX, a font or a window system that is not there must not end a training.
"""

from __future__ import annotations

import contextlib
import importlib
import locale
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

# Okabe and Ito's colours, those that stand out on white first; their yellow does not, and is left out.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SEQUENTIAL = "viridis"
PNG_DPI = 200

_OURS: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.cmap": SEQUENTIAL,
    "figure.constrained_layout.use": True,
    "figure.dpi": PNG_DPI,
    "savefig.dpi": PNG_DPI,
    "pdf.fonttype": 42,  # TrueType: journals refuse type 3, and the text stays text
    "ps.fonttype": 42,
    "svg.hashsalt": "nonideal",  # else the ids inside an SVG differ from run to run
}
# They say how pyplot and its windows behave, and are not read when a figure is drawn into a file.
_OF_WINDOWS = ("backend", "backend_fallback", "interactive", "toolbar", "timezone", "date.epoch")

_lock = threading.RLock()
_settings: dict[str, Any] = {}
_inside = False


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Apply the style of all figures within this block.

    The functions of `common.plotting` do so by themselves; use it around matplotlib calls of your own that make text,
    legends or colour bars, and around imports from matplotlib before the first figure. Other threads wait, as
    matplotlib's settings are one per process. The settings from before are back afterwards.
    """
    global _inside
    with _lock:
        if _inside:  # applied already; hundreds of settings take a millisecond
            yield
            return
        matplotlib = _load()
        with matplotlib.rc_context(_all_settings(matplotlib)):
            _inside = True
            try:
                yield
            finally:
                _inside = False


def _all_settings(matplotlib: Any) -> dict[str, Any]:
    """Every setting that a figure can depend on."""
    if not _settings:
        from cycler import cycler

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of settings that matplotlib will drop
            defaults = {name: matplotlib.rcParamsDefault[name] for name in matplotlib.rcParamsDefault}
        ours = {**_OURS, "axes.prop_cycle": cycler(color=COLORS)}
        _settings.update({name: value for name, value in {**defaults, **ours}.items() if name not in _OF_WINDOWS})
    return _settings


def _load() -> Any:
    """Import matplotlib, without the user's settings if these cannot be read."""
    if "matplotlib" in sys.modules:
        return sys.modules["matplotlib"]
    backend = os.environ.pop("MPLBACKEND", None)  # an unknown one fails the import
    try:
        matplotlib = _import()
    finally:
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with contextlib.suppress(ValueError):  # none of our figures has a window
            matplotlib.rcParams["backend"] = backend
    return matplotlib


def _import() -> Any:
    log = logging.getLogger("matplotlib")
    level = log.level
    log.setLevel(logging.ERROR)  # settings it does not know, several lines each
    try:
        return importlib.import_module("matplotlib")
    except (OSError, ValueError, locale.Error):  # the matplotlibrc is no text, cannot be opened, or asks for a locale
        for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
            del sys.modules[name]  # parts of a package whose import has failed
        with _no_files_of_users():
            return importlib.import_module("matplotlib")
    finally:
        log.setLevel(level)


@contextlib.contextmanager
def _no_files_of_users() -> Iterator[None]:
    """Within this block matplotlib finds no matplotlibrc but its own.

    matplotlib searches the working folder first, whatever the environment says; to change the working folder meanwhile
    would mislead threads that write files.
    """
    module: Any = os.path
    exists = os.path.exists

    def only_its_own(path: Any) -> bool:
        return exists(path) and (not str(path).endswith("matplotlibrc") or "mpl-data" in str(path))

    module.exists = only_its_own
    try:
        yield
    finally:
        module.exists = exists
