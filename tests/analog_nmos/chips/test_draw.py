"""Drawn chips have the statistics that were asked for, from streams that do not depend on each other."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Chip, Mismatch, draw_chip
from analog_nmos.chips.draw import edges_digest
from analog_nmos.topology import dense
from common.errors import InputError
from common.seeding import stream

CARD = read_model_card(default_card_path())
LARGE, SMALL = dense(64, 40), dense(5, 4)  # 2560 edges: 51 columns and 51 rows; 20 edges: 5 columns and 4 rows


def drawn(seed: int = 7, topology: Any = LARGE, **options: Any) -> Chip:
    return draw_chip(topology, CARD, Mismatch(**options), seed)


def same(first: Chip, second: Chip, *names: str) -> list[bool]:
    return [np.array_equal(first.arrays()[name], second.arrays()[name]) for name in names or first.arrays()]


@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize(
    ("options", "vto_V", "kp"), [({}, 0.01, 0.005), ({"vto_sigma": 0.2, "kp_sigma": 0.03}, 0.2, 0.03)]
)
def test_every_array_is_normal_with_its_sigma_and_independent(options, vto_V, kp, seed):
    """Within five standard errors, in sigmas: of a mean 1 / sqrt(E), of a sigma 1 / sqrt(2 E)."""
    chip = drawn(seed, **options)
    z = [array / sigma for array, sigma in ((chip.vto_free_V, vto_V), (chip.vto_clamp_V, vto_V))]
    z += [(array - 1.0) / kp for array in (chip.kp_free, chip.kp_clamp)]
    many = LARGE.n_edges
    for one in z:
        assert abs(one.mean()) < 5 / np.sqrt(many)
        assert abs(one.std() - 1) < 5 / np.sqrt(2 * many)
        assert stats.kstest(one, "norm").pvalue > 1e-3
        assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 5 / np.sqrt(many)
    for one, other in itertools.combinations(z, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(many)


def test_the_numbers_of_a_seed_stay():
    """A chip is a device that trained gates belong to: whoever draws it again gets the same one."""
    chip = drawn(7, SMALL)
    assert chip.vto_free_V[:3].tolist() == [-0.005858147483307303, -0.006758931463047069, -0.015271600273014468]
    assert chip.vto_clamp_V[:1].tolist() == [-0.0031648396143972024]
    assert chip.kp_free[:1].tolist() == [0.9999277199929982]
    assert chip.kp_clamp[:1].tolist() == [0.9996011726462535]
    assert same(chip, drawn(7, SMALL)) == [True] * 4
    assert same(chip, drawn(8, SMALL)) == [False] * 4
    assert same(chip, drawn(7, LARGE.keep(np.arange(20)))) == [True] * 4
    np.testing.assert_array_equal(chip.vto_clamp_V, 0.01 * stream(7, "chip", "vto_clamp").standard_normal(20))


def test_one_source_leaves_the_others_and_a_larger_sigma_is_the_same_chip_scaled():
    chip = drawn()
    assert same(chip, drawn(vto_sigma=0.0)) == [False, False, True, True]
    assert same(chip, drawn(kp_sigma=0.0)) == [True, True, False, False]
    assert same(chip, drawn(kp_gradient=0.1)) == [True, True, False, False]
    assert same(chip, drawn(vto_gradient=0.1)) == [False, False, True, True]
    assert same(chip, drawn(one_circuit=True)) == [True, False, True, False]
    np.testing.assert_allclose(drawn(vto_sigma=0.25).vto_free_V, 25 * chip.vto_free_V, rtol=1e-14)
    np.testing.assert_allclose(drawn(kp_sigma=0.015).kp_clamp - 1, 3 * (chip.kp_clamp - 1), rtol=0, atol=1e-15)


def test_one_circuit_has_the_same_transistors_in_both_phases():
    chip = drawn(one_circuit=True)
    assert chip.is_one_circuit
    assert not drawn().is_one_circuit
    np.testing.assert_array_equal(chip.vto_clamp_V, chip.vto_free_V)
    np.testing.assert_array_equal(chip.kp_clamp, chip.kp_free)


def test_factors_stay_above_0():
    chip = drawn(kp_sigma=2.0)
    free = 1.0 + 2.0 * stream(7, "chip", "beta_free").standard_normal(LARGE.n_edges)
    np.testing.assert_array_equal(chip.kp_free, np.where(free < 1e-6, 1e-6, free))
    assert (chip.kp_free == 1e-6).sum() > 500


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, -120.0])
def test_a_gradient_is_linear_over_the_die(angle):
    """20 edges lie in five columns and four rows; a step is a quarter of the width, and down is away from row 0."""
    chip = drawn(3, SMALL, vto_sigma=0, kp_sigma=0, vto_gradient=0.04, kp_gradient=0.2, gradient_angle=angle)
    turn = np.deg2rad(angle)
    right, up = np.cos(turn), np.sin(turn)
    vto_V, kp = chip.vto_free_V.reshape(4, 5), chip.kp_free.reshape(4, 5)
    np.testing.assert_allclose(np.diff(vto_V, axis=1), 0.01 * right, rtol=0, atol=1e-16)
    np.testing.assert_allclose(np.diff(vto_V, axis=0), -0.01 * up, rtol=0, atol=1e-16)
    np.testing.assert_allclose(np.diff(kp, axis=1), 0.05 * right, rtol=0, atol=1e-15)
    np.testing.assert_allclose(np.diff(kp, axis=0), -0.05 * up, rtol=0, atol=1e-15)
    assert abs(vto_V.mean()) < 1e-17
    np.testing.assert_array_equal(chip.vto_clamp_V, chip.vto_free_V)
    np.testing.assert_array_equal(chip.kp_clamp, chip.kp_free)


def test_a_gradient_comes_on_top_of_the_same_chip():
    without, gradient = drawn(), drawn(vto_sigma=0, kp_sigma=0, vto_gradient=0.04, kp_gradient=-0.2)
    both = drawn(vto_gradient=0.04, kp_gradient=-0.2)
    np.testing.assert_allclose(both.vto_free_V, without.vto_free_V + gradient.vto_free_V, rtol=0, atol=1e-16)
    np.testing.assert_allclose(both.kp_clamp, without.kp_clamp + gradient.kp_clamp - 1, rtol=0, atol=1e-15)


def test_its_direction_is_drawn_from_the_seed():
    angles = np.array([drawn(seed, SMALL, vto_gradient=1e-3).meta["gradient_angle_deg"] for seed in range(300)])
    assert stats.kstest(angles, "uniform", (0, 360)).pvalue > 1e-3
    for sigma in (0.0, 0.5):
        chip = drawn(5, SMALL, vto_sigma=sigma, kp_gradient=0.1)
        assert chip.meta["gradient_angle_deg"] == angles[5]
    given = drawn(5, SMALL, kp_gradient=0.1, gradient_angle=angles[5])
    np.testing.assert_array_equal(given.kp_free, chip.kp_free)
    assert "gradient_angle_deg" not in drawn(5, SMALL).meta


def test_pelgroms_law_by_hand():
    """The ALD1106 card has W 138 um and L 7.8 um: sqrt(1076.4 um^2) = 32.80854 um."""
    vto_V, kp = Mismatch(pelgrom_vto=20.0, pelgrom_kp=1.0).sigmas(CARD)
    assert vto_V == pytest.approx(0.020 / 32.80854, rel=1e-6)
    assert kp == pytest.approx(0.01 / 32.80854, rel=1e-6)
    assert Mismatch(pelgrom_vto=20.0).sigmas(CARD)[1] == 0.005
    chip = drawn(pelgrom_vto=20.0)
    np.testing.assert_array_equal(chip.vto_free_V, drawn(vto_sigma=vto_V).vto_free_V)
    assert chip.meta["vto_sigma_V"] == vto_V


def card(path: Path, sizes: str) -> Any:
    path.write_text(f".model ncg nmos (level=1 vto=0.8)\n.subckt NMOSWRAP D G S B\nM1 D G S B ncg {sizes}\n.ends\n")
    return read_model_card(path)


def test_pelgroms_law_counts_parallel_devices(tmp_path):
    one, four = (card(tmp_path / "card.lib", f"l=2u w=8u {more}") for more in ("", "m=4"))
    mismatch = Mismatch(pelgrom_vto=4.0)
    assert mismatch.sigmas(one)[0] == pytest.approx(1e-3)
    assert mismatch.sigmas(four)[0] == pytest.approx(0.5e-3)


def test_a_card_without_sizes_is_refused_where_they_are_needed(tmp_path):
    narrow = card(tmp_path / "card.lib", "l=2u")
    with pytest.raises(InputError, match=r"card.lib: gives no w=... of its transistor; Pelgrom's law needs W and L$"):
        draw_chip(SMALL, narrow, Mismatch(pelgrom_kp=1.0), 0)
    assert draw_chip(SMALL, narrow, Mismatch(), 0).n_edges == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vto_sigma": 0.1, "pelgrom_vto": 1.0}, "--vto-sigma and --pelgrom-vto are two ways to give one number"),
        ({"kp_sigma": 0.1, "pelgrom_kp": 1.0}, "--kp-sigma and --pelgrom-kp are two ways to give one number"),
        ({"gradient_angle": 10.0}, "--gradient-angle turns --vto-gradient and --kp-gradient, and both are 0"),
        ({"vto_sigma": -0.1}, "--vto-sigma: -0.1 is out of range; it must be at least 0"),
        ({"vto_sigma": float("nan")}, "--vto-sigma: nan is not a finite number"),
        ({"vto_sigma": 1000.0}, r"array vto_free: edge \d+ must be between -1000 and 1000 V, not "),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        drawn(**options)


def test_the_meta_says_how_it_was_made():
    chip = drawn(7, SMALL, vto_gradient=0.5, gradient_angle=10.0)
    assert chip.meta == {
        "seed": 7,
        "mismatch": {"vto_gradient": 0.5, "kp_gradient": 0.0, "gradient_angle": 10.0, "one_circuit": False},
        "edges_digest": edges_digest(SMALL),
        "model_card": "nmos_lvl1_ald1106.lib",
        "die": {"columns": 5, "rows": 4},
        "vto_sigma_V": 0.01,
        "kp_sigma": 0.005,
        "gradient_angle_deg": 10.0,
    }
    assert edges_digest(SMALL.keep(np.arange(20)[::-1])) != edges_digest(SMALL) == edges_digest(dense(5, 4))
