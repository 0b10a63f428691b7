"""A small run, and figures caught before they become files."""

import importlib
import runpy
from pathlib import Path

import pytest

from analog_nmos.figures.run_files import RunFiles
from analog_nmos.topology import dense

write_run = runpy.run_path(str(Path(__file__).with_name("synthetic.py")))["write_run"]


@pytest.fixture
def make_run(tmp_path):
    """Write a run (nine inputs, three outputs unless another network is given); returns it and its gate voltages."""

    def make(network=None, **options):
        gate_V = write_run(tmp_path / "run", network or dense(9, 3), **options)
        return RunFiles(tmp_path / "run"), gate_V

    return make


@pytest.fixture
def caught(monkeypatch):
    """Figures of a module by their file name, for looking at what they show instead of at pixels."""
    figures = {}

    def catch(module):
        def save(fig, path, plot_format="png"):
            figures[Path(path).name] = fig
            return Path(path)

        monkeypatch.setattr(importlib.import_module(f"analog_nmos.figures.{module}"), "save", save)
        return figures

    return catch
