"""Figures of gate voltages show the numbers of the folder."""

import numpy as np
import pytest

from analog_nmos.figures.run_files import LeftOut
from analog_nmos.figures.vg_by_label import mean_and_spread, vg_by_label
from analog_nmos.figures.vg_graph import vg_graph
from analog_nmos.figures.vg_heatmap import vg_heatmap
from analog_nmos.figures.vg_histogram import BINS, bin_edges, vg_histogram, vg_histogram_first_last
from analog_nmos.topology import Topology, dense
from analog_nmos.topology.torus import Torus

pytestmark = pytest.mark.usefixtures("foreign_settings")


def test_heatmap_of_a_pruned_run(make_run, caught, tmp_path):
    run, gate_V = make_run(pruned_after=1)
    figures = caught("vg_heatmap")
    assert vg_heatmap(run, 3, tmp_path) == [tmp_path / "vg_heatmap_epoch3"]
    panels = [ax.images[0].get_array().filled(np.nan) for ax in figures["vg_heatmap_epoch3"].axes[:3]]
    np.testing.assert_array_equal(np.reshape(panels, (3, 9)), gate_V[3].reshape(9, 3).T)
    assert np.isnan(panels[0][0, 0])
    assert "epoch 3" in figures["vg_heatmap_epoch3"].get_suptitle()


def test_heatmap_says_that_it_averages(make_run, caught, tmp_path):
    run, gate_V = make_run(dense(4, 2, copies=2))
    figures = caught("vg_heatmap")
    vg_heatmap(run, 0, tmp_path)
    fig = figures["vg_heatmap_epoch0"]
    mean_V = gate_V[0].reshape(4, 2, 2).mean(axis=2)
    np.testing.assert_allclose(fig.axes[1].images[0].get_array(), mean_V[:, 1].reshape(2, 2), rtol=1e-15)
    assert "mean of parallel edges" in fig.axes[-1].get_ylabel()
    assert "start" in fig.get_suptitle()


def test_no_heatmap_where_all_edges_go_to_hidden_nodes(make_run, tmp_path):
    run, _ = make_run(Topology(1, 2, [4], [3], edges_D=[4, 5], edges_S=[5, 3], hidden_nodes=[5]))
    with pytest.raises(LeftOut, match="no edge joins"):
        vg_heatmap(run, 1, tmp_path)
    assert len(vg_graph(run, 1, tmp_path)) == 2


def bars(ax):
    return sum(patch.get_height() for patch in ax.patches if hasattr(patch, "get_height"))


def test_histograms_count_every_edge(make_run, caught, tmp_path):
    run, _ = make_run(pruned_after=1)
    figures = caught("vg_histogram")
    vg_histogram(run, 0, tmp_path)
    vg_histogram(run, 1, tmp_path)
    vg_histogram_first_last(run, tmp_path)
    assert [bars(figures[f"vg_histogram_{name}"].axes[0]) for name in ("epoch0", "epoch1", "first_last")] == [
        27,
        27,
        25,
    ]
    (ax,) = figures["vg_histogram_first_last"].axes
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[0].startswith("start: mean")
    assert names[1].startswith("epoch 3: mean")
    assert names[1].endswith("25 edges")


def test_a_fixed_start_is_a_line(make_run, caught, tmp_path):
    gate_V = np.stack([np.full(27, 4.0), *np.random.default_rng(0).uniform(3, 5, (3, 27))])
    run, _ = make_run(gate_V=gate_V)
    figures = caught("vg_histogram")
    vg_histogram_first_last(run, tmp_path)
    (ax,) = figures["vg_histogram_first_last"].axes
    assert [line.get_xdata()[0] for line in ax.lines] == [4.0]
    assert "start: all at 4.00 V, 27 edges" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_bins():
    assert len(bin_edges((1.0, 3.0))) == BINS + 1
    assert bin_edges((1.0, 3.0))[0] == 1.0
    assert bin_edges((1.0, 3.0))[-1] == 3.0
    assert (bin_edges((2.0, 2.0))[0], bin_edges((2.0, 2.0))[-1]) == (1.75, 2.25)


def test_mean_and_spread_of_the_edges_that_are_left(make_run):
    run, gate_V = make_run(pruned_after=1)
    epochs, mean_V, std_V = mean_and_spread(run)
    assert epochs == [0, 1, 2, 3]
    per_output = gate_V.reshape(4, 9, 3)
    np.testing.assert_allclose(mean_V, np.nanmean(per_output, axis=1), rtol=1e-14)
    np.testing.assert_allclose(std_V, np.nanstd(per_output, axis=1), rtol=1e-14)
    assert mean_V[3, 0] == pytest.approx(gate_V[3, 3::3].mean())  # edge 0, the first of output 0, is gone


def test_an_output_without_edges_has_no_mean(make_run, caught, tmp_path):
    run, _ = make_run(dense(1, 3), pruned_after=1)
    _, mean_V, _ = mean_and_spread(run)
    assert np.isnan(mean_V).tolist() == [[False] * 3] * 2 + [[True, True, False]] * 2
    figures = caught("vg_by_label")
    vg_by_label(run, tmp_path)
    np.testing.assert_array_equal(figures["vg_by_label"].axes[0].lines[0].get_ydata(), mean_V[:, 0])


def test_one_epoch_is_no_history(make_run, tmp_path):
    run, _ = make_run(epochs=0)
    for draw in (vg_by_label, vg_histogram_first_last):
        with pytest.raises(LeftOut, match="no two epochs with gate voltages"):
            draw(run, tmp_path)


def test_the_graph_has_the_edges_that_are_left(make_run, caught, tmp_path):
    run, gate_V = make_run(pruned_after=1)
    figures = caught("vg_graph")
    vg_graph(run, 3, tmp_path)
    (edges,) = [item for item in figures["vg_graph_epoch3"].axes[0].collections if hasattr(item, "get_segments")]
    assert sorted(edges.get_array()) == sorted(gate_V[3, 2:])
    center = np.median(gate_V[0])
    assert (edges.norm.vmin + edges.norm.vmax) / 2 == pytest.approx(center)
    titles = [ax.get_title() for ax in figures["vg_graph_outputs_epoch3"].axes[:3]]
    assert titles == ["output 0: 8 edges", "output 1: 8 edges", "output 2: 9 edges"]


def test_an_edge_between_outputs_is_one_of_both(make_run):
    network = Topology(1, 2, [5, 6], [3, 4], edges_D=[5, 6, 3], edges_S=[3, 4, 4], hidden_nodes=[7])
    run, gate_V = make_run(network)
    _, mean_V, _ = mean_and_spread(run)
    expected = [gate_V[:, [0, 2]].mean(axis=1), gate_V[:, [1, 2]].mean(axis=1)]
    np.testing.assert_allclose(mean_V, np.transpose(expected), rtol=1e-14)


def test_outputs_of_pairs_have_the_names_of_their_pairs(make_run, caught, tmp_path):
    run, _ = make_run(dense(4, 6), readout={"pairs": True, "answer": "highest"}, classes=["a", "b", "c"])
    heat, graph, label = (caught(f"vg_{name}") for name in ("heatmap", "graph", "by_label"))
    vg_heatmap(run, 1, tmp_path)
    vg_graph(run, 1, tmp_path)
    vg_by_label(run, tmp_path)
    names = ["output 0+", "output 1+", "output 2+", "output 0−", "output 1−", "output 2−"]  # noqa: RUF001
    assert [ax.get_title() for ax in heat["vg_heatmap_epoch1"].axes[:6]] == names
    assert [ax.get_title() for ax in label["vg_by_label"].axes] == names
    assert [ax.get_title() for ax in graph["vg_graph_outputs_epoch1"].axes[:6]] == [
        f"{name}: 4 edges" for name in names
    ]
    assert [text.get_text() for text in graph["vg_graph_epoch1"].axes[0].texts] == [name[7:] for name in names]


def test_a_grid_has_no_above_and_below_and_one_view(make_run, caught, tmp_path):
    network = Torus(side=4).build()
    run, _ = make_run(network, readout={"pairs": True, "answer": "nearest level", "levels_V": [0.0, -0.087]})
    figures = caught("vg_graph")
    vg_graph(run, 2, tmp_path)
    assert figures["vg_graph_epoch2"].get_suptitle() == "epoch 2: 32 edges (green: hidden nodes, pink: rails)"
    plus, minus = figures["vg_graph_outputs_epoch2"].axes[:2]
    assert [ax.get_title() for ax in (plus, minus)] == ["output +: 4 edges", "output −: 4 edges"]  # noqa: RUF001
    assert (plus.get_xlim(), plus.get_ylim()) == (minus.get_xlim(), minus.get_ylim())
