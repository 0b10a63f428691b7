"""Damage: what becomes 0 for every mode and family, and whether every neuron is equally likely."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch

from common.seeding import stream
from psa_resmlp.model.network import shapes
from psa_resmlp.study.architectures import parse
from psa_resmlp.study.modes import Neuron, get_mode

ARCHITECTURE = parse("[2*4, 1*3]")


def parameters(family):
    """A network without zeros."""
    return {name: torch.rand(shape) + 1 for name, shape in shapes(ARCHITECTURE, family).items()}


def allowed(mode, family):
    """Every (layer, neuron) that the table of the study allows, written out."""
    widths = {"resmlp": [4, 4, 4, 4, 4, 3, 3, 3, 10], "mlp": [4, 4, 3, 10]}[family]
    last = len(widths) - 1
    layers = {
        ("full", "resmlp"): range(last + 1),
        ("full", "mlp"): range(last + 1),
        ("hidden", "resmlp"): range(1, last),
        ("hidden", "mlp"): range(last),
        ("output", "resmlp"): [last],
        ("output", "mlp"): [last],
    }[mode, family]
    return [(layer, neuron) for layer in layers for neuron in range(widths[layer])]


@pytest.mark.parametrize(("mode", "family"), list(itertools.product(["full", "hidden", "output"], ["resmlp", "mlp"])))
def test_exactly_the_neurons_numbers_become_zero(mode, family):
    for layer, neuron in allowed(mode, family):
        before = parameters(family)
        after = {name: value.clone() for name, value in before.items()}
        get_mode(mode).damage(after, Neuron(layer, neuron), stream(0))
        expected = {name: value.clone() for name, value in before.items()}
        expected[f"linears.{layer}.weight"][neuron, :] = 0
        expected[f"linears.{layer}.bias"][neuron] = 0
        if mode == "hidden":
            expected[f"linears.{layer + 1}.weight"][:, neuron] = 0
        for name, value in expected.items():
            assert torch.equal(after[name], value), (layer, neuron, name)


@pytest.mark.parametrize("family", ["resmlp", "mlp"])
@pytest.mark.parametrize("mode", ["none", "decay", "dropout"])
def test_baselines_damage_nothing(mode, family):
    assert get_mode(mode).draw(ARCHITECTURE, family, stream(0)) is None


@pytest.mark.parametrize(("mode", "family"), list(itertools.product(["full", "hidden", "output"], ["resmlp", "mlp"])))
def test_draws_are_uniform_over_what_the_mode_allows(mode, family):
    """Chi-square with a fixed seed: full is uniform over layers and within each, the others over neurons."""
    draws = 20_000
    rng = stream(7, mode, family)
    found = Counter()
    for _ in range(draws):
        one = get_mode(mode).draw(ARCHITECTURE, family, rng)
        found[one.layer, one.number] += 1
    cells = allowed(mode, family)
    assert set(found) == set(cells)
    layers = Counter(layer for layer, _ in cells)
    share = {cell: 1 / len(cells) for cell in cells}
    if mode == "full":
        share = {cell: 1 / len(layers) / layers[cell[0]] for cell in cells}
    statistic = sum((found[cell] - draws * share[cell]) ** 2 / (draws * share[cell]) for cell in cells)
    from scipy.stats import chi2

    assert 1e-3 < chi2.sf(statistic, len(cells) - 1) < 1 - 1e-3


@pytest.mark.parametrize("family", ["resmlp", "mlp"])
def test_hidden_has_as_many_neurons_as_the_study_says(family):
    """2DW in ResMLP; D layers of W, the input layer included, in the plain MLP."""
    found = {}
    for number in range(3000):
        one = get_mode("hidden").draw(parse("[3*5]"), family, np.random.default_rng(number))
        found[one.layer, one.number] = True
    assert len(found) == {"resmlp": 2 * 3 * 5, "mlp": 3 * 5}[family]
