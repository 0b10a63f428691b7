"""What figures of a chip show: every transistor, in its place, with its sign."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Chip, Mismatch, draw_chip
from analog_nmos.chips.figures import die_map, histograms, network_map, quantities
from analog_nmos.figures.network_layout import positions
from analog_nmos.topology.torus import Torus
from common.plotting import COLORS, save

pytestmark = pytest.mark.usefixtures("foreign_settings")
CARD, TORUS = read_model_card(default_card_path()), Torus().build()
E = TORUS.n_edges


def drawn(**options):
    return draw_chip(TORUS, CARD, Mismatch(**options), 7)


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_quantities_are_in_the_units_of_their_labels():
    chip = Chip(np.full(E, 0.02), np.full(E, -0.01), np.full(E, 1.05), np.ones(E))
    vto, kp = quantities(chip)
    assert (vto.label, kp.label) == ("threshold offset (mV)", "deviation of kp (%)")
    assert {name: float(values[0]) for name, values in vto.values.items()} == {
        "free circuit": pytest.approx(20.0), "clamped circuit": pytest.approx(-10.0),
    }  # fmt: skip
    assert [float(values[0]) for values in kp.values.values()] == [pytest.approx(5.0), 0.0]
    assert vto.reach == pytest.approx(20.0)


def test_what_does_not_deviate_is_not_drawn():
    zeros, ones = np.zeros(E), np.ones(E)
    assert [one.name for one in quantities(drawn(kp_sigma=0.0))] == ["vto"]
    (vto,) = quantities(Chip(zeros, zeros, ones, ones))
    assert list(vto.values) == ["one circuit"]
    assert vto.reach == 1.0
    assert [one.name for one in quantities(drawn(vto_sigma=0.0))] == ["vto", "kp"]


def test_histograms_count_every_transistor_of_both_circuits():
    chip = drawn()
    fig = histograms(chip, "chip7")
    assert [ax.get_xlabel() for ax in fig.axes] == ["threshold offset (mV)", "deviation of kp (%)"]
    for ax in fig.axes:
        bars, outline = ax.containers[0], ax.patches[-1]
        assert sum(bar.get_height() for bar in bars) == E
        assert to_hex(bars[0].get_facecolor()) == COLORS[0].lower()
        heights = outline.get_xy()[1:-1:2, 1]
        assert heights.sum() == E
    free_mV = 1e3 * chip.vto_free_V
    assert labels(fig.axes[0])[0] == f"free circuit: mean {free_mV.mean():.3g}, std {free_mV.std():.3g}"
    assert labels(fig.axes[0])[1].startswith("clamped circuit: mean ")


def test_histograms_of_equal_transistors_are_one_bar(tmp_path):
    fig = histograms(Chip(np.full(E, 0.01), np.full(E, 0.01), np.ones(E), np.ones(E)), "equal")
    (ax,) = fig.axes
    assert sorted(bar.get_height() for bar in ax.containers[0])[-2:] == [0, E]
    assert labels(ax) == ["one circuit: mean 10, std 0"]
    assert save(fig, tmp_path / "equal").stat().st_size > 1000


def test_the_network_shows_each_transistor_at_its_edge():
    """Edge 0 joins nodes 1 and 2; it alone deviates, and in the clamped circuit the other way."""
    vto_V = np.zeros((2, E))
    vto_V[:, 0] = 0.03, -0.02
    chip = Chip(*vto_V, np.ones(E), np.ones(E))
    fig = network_map(quantities(chip)[0], TORUS, "one")
    assert [ax.get_title() for ax in fig.axes[:2]] == ["one: free circuit", "one: clamped circuit"]
    places = positions(TORUS)
    for ax, expected_mV in zip(fig.axes[:2], (30.0, -20.0), strict=True):
        (lines,) = [item for item in ax.collections if hasattr(item, "get_segments")]
        values = np.asarray(lines.get_array())
        (at,) = np.flatnonzero(values)
        assert values[at] == pytest.approx(expected_mV)
        ends = lines.get_segments()[at][[0, -1]]
        np.testing.assert_array_equal(ends, [places[int(TORUS.edges_D[0])], places[int(TORUS.edges_S[0])]])
    assert fig.axes[2].get_ylabel() == "threshold offset (mV)"
    assert fig.axes[2].get_ylim() == pytest.approx((-30.0, 30.0))


def test_the_die_shows_each_transistor_in_its_cell():
    """32 edges lie in six columns and six rows; four cells are empty."""
    chip = drawn(kp_sigma=0.0, vto_gradient=0.05)
    fig = die_map(chip, "die")
    pairs = zip(fig.axes, (chip.vto_free_V, chip.vto_clamp_V), ("free circuit", "clamped circuit"), strict=False)
    for ax, values_V, name in pairs:
        cells = ax.images[0].get_array()
        assert ax.get_title() == name
        assert cells.shape == (6, 6)
        np.testing.assert_allclose(cells.compressed(), 1e3 * values_V)
        assert np.ma.getmaskarray(cells)[5].tolist() == [False, False, True, True, True, True]
        assert (
            ax.images[0].norm.vmin
            == -ax.images[0].norm.vmax
            == -1e3 * np.abs([*chip.vto_free_V, *chip.vto_clamp_V]).max()
        )
    assert len(die_map(drawn(), "die").axes) == 2 * 2 + 2
    assert len(die_map(drawn(one_circuit=True), "die").axes) == 2 + 2
