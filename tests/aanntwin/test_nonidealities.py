"""The one list of nonidealities, and those of a user's own."""

import dataclasses

import pytest
import torch

from aanntwin.cache import Cache
from aanntwin.config import NONIDEALITIES, Nonidealities, TrainParams
from aanntwin.data import load_split
from aanntwin.engines import engine_name, torch_lines, uses_compiled
from aanntwin.model import build_model
from aanntwin.nonidealities.base import SITES
from aanntwin.scripts.spec_quantities import quantities
from aanntwin.scripts.variants import Variant, evaluate_variants
from aanntwin.signal_path import path
from aanntwin.trainer import evaluate, train
from common.errors import InputError

KEYS = ("bed0e9df3f304942e27d9eec6d48886f", "63eb9f16f86c7a0ab266a809568e816c")
DROOP, JITTER = "own_droop:Droop", "own_droop:Jitter"


def test_the_list_follows_the_signal():
    fields = [field.name for field in dataclasses.fields(Nonidealities)]
    assert fields == [*NONIDEALITIES, "own"]
    order = [list(SITES).index(site) for kind in NONIDEALITIES.values() for site in kind.sites]
    assert order == sorted(order)
    passed = [site for stage in path(0).values() for site in (*stage.entry, *stage.exit)]
    assert passed == list(SITES)
    for name, kind in NONIDEALITIES.items():
        assert kind.help
        assert name.startswith(kind.sites[0].removesuffix("_out"))


def test_levels_are_in_one_form(own):
    assert Nonidealities(own=(f"{DROOP}=.10",)) == Nonidealities(own=(f"{DROOP}=0.1",))
    circuit = Nonidealities(input_noise=0.2, own=(f"{DROOP}=0.1", f"{JITTER}=0.3"))
    assert circuit.noiseless() == Nonidealities(own=(f"{DROOP}=0.1",))
    assert circuit.with_level(DROOP, 0.5).own == (f"{JITTER}=0.3", f"{DROOP}=0.5")
    assert circuit.with_level(DROOP, None).with_level("input_noise", None).own == (f"{JITTER}=0.3",)
    assert circuit.noisy
    assert not circuit.noiseless().noisy
    assert list(quantities(circuit))[-1] == DROOP  # Jitter does not say which way it gets worse


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (DROOP, "not of the form package.module:Name=X"),
        (f"{DROOP}=much", "'much' is not a number"),
        (f"{DROOP}=1.5", "must be at most 1"),
        ("own_droop:Nowhere=0", "allowed: a tuple of input, conv2d_input"),
        ("own_droop:Unfinished=0", "has no method apply"),
        ("own_droop:Absent=0", "no Absent in own_droop"),
        ("pathlib:Path=0", "is not of type aanntwin.nonidealities.base.Nonideality"),
    ],
)
def test_what_is_wrong_with_one_of_your_own_is_said(own, word, message):
    with pytest.raises(InputError, match=message):
        Nonidealities(own=(word,)).check()
    with pytest.raises(InputError, match="2 times"):
        Nonidealities(own=(f"{DROOP}=0", f"{DROOP}=1")).check()


def test_one_of_your_own_acts_in_the_model_and_in_the_shared_tests_alike(own, digits, deep, random_weights):
    settings = digits.replace(model_params=deep, train_params=TrainParams(lr=0.01, batch_size=50))
    circuit = Nonidealities(linear_input_clip=0.9, own=(f"{DROOP}=0.3",))
    weights = random_weights(settings)
    x, y = torch.rand(9, 1, 28, 28), torch.arange(9)
    model = build_model(settings, circuit)
    model.load_weights(weights)
    drooped = {n: w * 0.7 if "linear" in n and n.endswith("weight") else w for n, w in weights.items()}
    by_hand = build_model(settings, dataclasses.replace(circuit, own=()))
    by_hand.load_weights(drooped)
    with torch.no_grad():
        assert torch.allclose(model(x), by_hand(x), atol=1e-5)
        loss = float(torch.nn.functional.cross_entropy(model(x), y))
    [found] = evaluate_variants([Variant(weights, circuit)], deep, x, y, seed=1).loss
    assert found == pytest.approx(loss, rel=1e-6)
    noisy = [Variant(weights, Nonidealities(own=(f"{JITTER}=0.5",)), draw) for draw in (0, 1)]
    first, second = evaluate_variants(noisy, deep, x, y, seed=1).loss
    assert first != second


def test_pytorch_trains_and_tests_what_has_no_kernel_under_a_key_of_its_own(own, digits, tmp_path):
    mine = digits.replace(training_nonidealities=Nonidealities(own=(f"{DROOP}=0.2",)))
    assert engine_name(mine).startswith("torch")
    assert torch_lines(mine) == [f"training by PyTorch: there is no compiled kernel for {DROOP}"]
    assert uses_compiled(mine, mine.testing_nonidealities)
    with pytest.raises(InputError, match="no kernel for own_droop:Droop; use --engine auto or torch"):
        engine_name(mine.replace(engine="compiled"))
    cache = Cache(tmp_path)
    keys = {cache.key(digits.replace(engine="torch")), cache.key(mine)}
    keys.add(cache.key(mine.replace(training_nonidealities=Nonidealities(own=(f"{DROOP}=0.3",)))))
    assert len(keys) == 3
    weights, split = train(digits, 1), load_split(digits, train=False)
    harmed = evaluate(weights, digits, *split, nonidealities=Nonidealities(own=(f"{DROOP}=0.9",)))
    assert harmed[0] != evaluate(weights, digits, *split)[0]


def test_the_keys_of_earlier_caches_stay(digits, monkeypatch, tmp_path):
    """As the version before nonidealities of a user's own computed them."""
    monkeypatch.setattr("aanntwin.cache._checksum", lambda name, root: 1)
    assert Cache(tmp_path).key(digits) == KEYS[0]
    noisy = digits.replace(training_nonidealities=Nonidealities(input_noise=0.1, linear_input_nonlin=(0.0, 1.0)))
    assert Cache(tmp_path).key(noisy) == KEYS[1]
