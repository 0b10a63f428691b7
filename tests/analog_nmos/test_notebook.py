"""The notebook runs from top to bottom in an empty folder, on the network that it is given."""

import pytest

from analog_nmos.topology import dense, prune_pairs
from analog_nmos.topology.build import shipped_path


@pytest.mark.parametrize("given", [False, True])
def test_the_notebook_runs_without_errors_and_draws(notebook, tmp_path, monkeypatch, given):
    path = tmp_path / "mine.npz"
    prune_pairs(dense(9, 3), [(0, 0), (4, 2)]).save(path)
    monkeypatch.delenv("NMOS_TOPOLOGY", raising=False)
    if given:
        monkeypatch.setenv("NMOS_TOPOLOGY", str(path))
    shown = notebook(shipped_path("topology_heatmap.ipynb"))
    assert shown.images == 2
    edges = next(line for line in shown.text.splitlines() if line.startswith("edges:")).split()[1]
    assert edges == "25" if given else 0 < int(edges) < 640  # what is shown by default has lost some edges
