"""The notebook runs from top to bottom in an empty folder, on the network that it is given."""

import os
from pathlib import Path

import nbformat
import pytest

from analog_nmos.topology import dense, prune_pairs
from analog_nmos.topology.build import shipped_path

ROOT = Path(__file__).parents[2]
NOTEBOOK = shipped_path("topology_heatmap.ipynb")


def execute(folder, monkeypatch, topology=None):
    """Outputs of all cells, after a run in `folder`."""
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (folder / "jupyter").mkdir()
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(folder / "jupyter" / name.lower()))
    monkeypatch.delenv("NMOS_TOPOLOGY", raising=False)
    if topology:
        monkeypatch.setenv("NMOS_TOPOLOGY", os.fspath(topology))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(folder)}}
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120, resources=resources).execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def text(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stdout")


def images(outputs):
    return [output for output in outputs if "image/png" in output.get("data", {})]


def test_the_notebook_is_kept_without_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("given", [False, True])
def test_the_notebook_runs_without_errors_and_draws(tmp_path, monkeypatch, given):
    path = tmp_path / "mine.npz"
    prune_pairs(dense(9, 3), [(0, 0), (4, 2)]).save(path)
    outputs = execute(tmp_path, monkeypatch, path if given else None)
    assert not [output for output in outputs if output.output_type == "error"]
    assert len(images(outputs)) == 2
    edges = next(line for line in text(outputs).splitlines() if line.startswith("edges:")).split()[1]
    assert edges == "25" if given else 0 < int(edges) < 640  # what is shown by default has lost some edges
