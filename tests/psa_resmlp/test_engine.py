"""The meta-loop: against plain PyTorch, damage on copies, acceptance, and trials together as alone."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from common.replicas.counter import as_int64, child_keys
from psa_resmlp.model.images import image_sets
from psa_resmlp.model.masks import step_keys
from psa_resmlp.study.architectures import parse
from psa_resmlp.study.data import as_inputs, load_study
from psa_resmlp.study.modes import MODE_NAMES
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.engine import KEYS_AHEAD, Engine
from psa_resmlp.training.replica import Replica


@pytest.fixture(scope="module")
def data():
    return load_study("digits")


@pytest.fixture(scope="module")
def images(data):
    return image_sets(data, "cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def job(arch="[2*6, 1*5]", mode="none", trial=1, seed=0, **settings):
    config = TrainConfig(arch=arch, ablation_mode=mode, dataset="digits", batch_size=100, lr=1e-3, **settings)
    return Replica(config, config.architecture, trial, seed)


class Block(torch.nn.Module):
    """A residual block in plain PyTorch."""

    def __init__(self, width, rate):
        super().__init__()
        self.one, self.two, self.drop = torch.nn.Linear(width, width), torch.nn.Linear(width, width), rate

    def forward(self, x):
        inner = torch.nn.functional.dropout(torch.relu(self.one(x)), self.drop, self.training)
        return torch.relu(x + self.two(inner))


def reference(architecture, family):
    """The network in plain PyTorch, parameters in the order of the signal."""
    layers, before = [], 784
    for count, width in architecture.stacks:
        for place in range(count if family == "mlp" else before != width):
            layers += [torch.nn.Linear(before if place == 0 else width, width), torch.nn.ReLU()]
        if family == "resmlp":
            layers += [Block(width, 0.0) for _ in range(count)]
        before = width
    return torch.nn.Sequential(*layers, torch.nn.Linear(before, 10))


def load(module, state):
    module.load_state_dict(dict(zip(module.state_dict(), state.values(), strict=True)))


def train(jobs, images, loops, kernels=True):
    """Meta-loops of jobs as one stack; the engine, and the LKGs behind every loop."""
    engine = Engine(jobs, images[0], images[1], kernels=kernels)
    states = engine.initial(jobs)
    history = []
    for _ in range(loops):
        for one, loop in zip(jobs, engine.meta_loop(jobs, states), strict=True):
            one.take(loop)
        history.append(states.clone())
    return engine, history


@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "torch"])
@pytest.mark.parametrize(
    ("family", "mode", "arch"),
    [
        ("resmlp", "none", "[2*6, 1*5]"),
        ("resmlp", "decay", "[2*6, 1*5]"),
        ("mlp", "decay", "[2*6, 1*5]"),
        ("resmlp", "none", "[1*784, 1*5]"),  # as wide as the image: blocks without a layer before them
        ("mlp", "none", "[1*784]"),
    ],
)
def test_one_meta_loop_is_that_of_plain_pytorch(data, images, family, mode, arch, kernels):
    one = job(arch, mode=mode, family=family, weight_decay=0.1)
    engine = Engine([one], images[0], images[1], kernels=kernels)
    states = engine.initial([one])
    engine.load([one], states)
    module = reference(one.architecture, family)
    load(module, engine.network.bank.state_dict(0))
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.1 if mode == "decay" else 0.0)
    x, y, losses = as_inputs(data.train_x), torch.from_numpy(data.train_y.copy()), []
    for index in torch.from_numpy(one.order(len(x))).split(100):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(x[index]), y[index])
        loss.backward()
        optimiser.step()
        losses.append(loss.item() * len(index))
    loop = engine.meta_loop([one], states)[0]
    found = engine.network.bank.state_dict(0)
    for mine, theirs in zip(found.values(), module.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-4, atol=2e-5)
    assert loop.train_loss == pytest.approx(sum(losses) / len(x), rel=1e-5)
    with torch.no_grad():
        right = (module(as_inputs(data.val_x)).argmax(1) == torch.from_numpy(data.val_y.copy())).sum().item()
    assert abs(loop.val_hits - right) <= 1


def test_initial_weights_are_pytorchs(images):
    one = job()
    engine = Engine([one], images[0], images[1])
    engine.initial([one])
    torch.manual_seed(one.initial().initial_seed())
    module = reference(one.architecture, "resmlp")
    for mine, theirs in zip(engine.network.bank.state_dict(0).values(), module.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_blocks_as_wide_as_the_image_have_the_same_numbers_together_as_alone(images):
    jobs = [job("[1*784]", mode="hidden", trial=trial) for trial in (1, 2)]
    _, history = train(jobs, images, 2)
    alone = job("[1*784]", mode="hidden", trial=2)
    _, mine = train([alone], images, 2)
    assert torch.equal(mine[1][0], history[1][1])
    assert jobs[0].damaged.layer in (0, 1)


@pytest.mark.parametrize("family", ["resmlp", "mlp"])
def test_trials_and_modes_together_have_the_numbers_that_they_have_alone(images, family):
    keys = list(itertools.product(MODE_NAMES, (1, 2)))
    together = [job(mode=mode, trial=trial, family=family) for mode, trial in keys]
    _, history = train(together, images, 3)
    for place, (mode, trial) in enumerate(keys):
        alone = job(mode=mode, trial=trial, family=family)
        _, mine = train([alone], images, 3)
        plain = [[replace(loop, seconds=0.0) for loop in one.loops] for one in (alone, together[place])]
        assert plain[0] == plain[1]
        for one, many in zip(mine, history, strict=True):
            assert torch.equal(one[0], many[place])


@pytest.mark.slow
def test_sixty_together_have_the_numbers_of_each_alone(images):
    keys = list(itertools.product(MODE_NAMES, range(1, 11)))
    together = [job("[18*18]", mode, trial) for mode, trial in keys]
    _, history = train(together, images, 2)
    for place in range(0, 60, 7):
        _, mine = train([job("[18*18]", *keys[place])], images, 2)
        assert torch.equal(mine[-1][0], history[-1][place])


def test_modes_of_a_trial_start_alike_and_trials_do_not(images):
    jobs = [job(mode="none"), job(mode="full"), job(mode="none", trial=2), job(mode="none", seed=1)]
    states = Engine(jobs, images[0], images[1]).initial(jobs)
    assert torch.equal(states[0], states[1])
    orders = [one.order(1000) for one in jobs]
    assert np.array_equal(orders[0], orders[1])
    for other in (2, 3):
        assert not torch.equal(states[0], states[other])
        assert not np.array_equal(orders[0], orders[other])
    assert sorted(orders[0]) == list(range(1000))


@pytest.mark.parametrize("mode", ["full", "hidden", "output"])
def test_first_loop_is_unablated_and_the_lkg_stays_whole(images, mode):
    one, plain = job(mode=mode), job(mode="none")
    engine = Engine([one], images[0], images[1])
    states = engine.initial([one])
    for expected in ("kept", "damaged"):
        before = states.clone()
        engine.load([one], states)
        assert torch.equal(states, before)  # the damage is done to a copy
        damaged = (engine.network.bank.values != states).sum().item()
        assert (damaged > 0) == (expected == "damaged")
        loop = engine.meta_loop([one], states)[0]
        one.take(loop)
        if expected == "kept":
            _, history = train([plain], images, 1)
            assert torch.equal(states, history[0])


def test_a_rejected_meta_loop_leaves_no_trace(images):
    one = job(mode="none")
    engine, history = train([one], images, 2)
    states = history[-1]
    one.loops[-1] = replace(one.loops[-1], bounty_hits=10**6)
    before = states.clone()
    loop = engine.meta_loop([one], states)[0]
    assert not loop.accepted
    assert torch.equal(states, before)
    assert (loop.bounty_hits, loop.bounty_loop) == (10**6, one.bounty_loop)
    # The next loop begins where this one did: the same LKG, a new optimiser, another order of images.
    one.take(loop)
    engine.load([one], states)
    assert torch.equal(engine.network.bank.values, before)


def test_equal_is_not_better(images):
    one = job(mode="none")
    engine, history = train([one], images, 1)
    twin = Replica(one.config, one.architecture, 1, 0, list(one.loops))
    probe = engine.meta_loop([twin], history[-1].clone())[0]
    one.loops[-1] = replace(one.loops[-1], bounty_hits=probe.val_hits)
    assert not engine.meta_loop([one], history[-1].clone())[0].accepted
    one.loops[-1] = replace(one.loops[-1], bounty_hits=probe.val_hits - 1)
    assert engine.meta_loop([one], history[-1].clone())[0].accepted


def test_dropout_is_for_training_only_and_for_its_mode_only(images):
    one = job("[1*64]", mode="dropout", dropout=0.25)
    engine = Engine([one, job("[1*64]")], images[0], images[1])
    engine.initial([one, one])
    step = engine.network.training(96)
    images[0].gather(torch.arange(96).expand(2, -1).contiguous(), step.images)
    for call in step.forward[:3]:  # the first linear with its ReLU and dropout
        call()
    dropped, whole = step.forward[0].keywords["out"]
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], whole[kept] / 0.75)
    assert 1 - kept.float().sum() / (whole != 0).sum() == pytest.approx(0.25, abs=0.03)
    alone = Engine([job("[1*64]")], images[0], images[1])
    alone.network.bank.values.copy_(engine.network.bank.values[:1])
    assert engine.score(images[1]) == engine.score(images[1]) == tuple(part * 2 for part in alone.score(images[1]))


@pytest.mark.parametrize("family", ["resmlp", "mlp"])
def test_gradients_with_dropout_are_autograds(images, family):
    """The mask that the forward pass drew is the one that the backward pass goes through."""
    one = job("[2*6, 1*5]", mode="dropout", dropout=0.3, family=family)
    found = {}
    for kernels in (True, False):
        engine = Engine([one, one], images[0], images[1], kernels=kernels)
        engine.initial([one, one])
        keys = torch.arange(engine.network.keys.numel()).reshape(engine.network.keys.shape) * 977 + 5
        engine.network.keys.copy_(keys)
        step = engine.network.training(48)
        images[0].gather(torch.arange(96).reshape(2, 48), step.images)
        for call in step.forward:
            call()
        step.logit_grads.copy_(torch.linspace(-1, 1, step.logit_grads.numel()).reshape(step.logit_grads.shape))
        for call in step.backward:
            call()
        found[kernels] = engine.network.bank.grads.clone()
        if kernels:
            numeric = _slope(engine, step, "linears.0.weight", (0, 3, 400))
            assert engine.network.bank.grad_views["linears.0.weight"][0, 3, 400] == pytest.approx(numeric, rel=2e-2)
    torch.testing.assert_close(found[True], found[False], rtol=1e-4, atol=1e-5)


def _slope(engine, step, name, place, width=1e-3):
    """A derivative of the sum of logits times their gradients, by differences."""
    sums = []
    for sign in (1, -1):
        engine.network.bank.views[name][place] += sign * width
        for call in step.forward:
            call()
        sums.append((step.logits.double() * step.logit_grads.double()).sum().item())
        engine.network.bank.views[name][place] -= sign * width
    return (sums[0] - sums[1]) / (2 * width)


def test_dropout_has_a_key_for_every_step_and_layer_however_many_are_made_at_once(images, monkeypatch):
    """A key is the child of a child of the meta-loop's, by numbers alone."""
    loop = as_int64(np.array([5, 2**63 + 7], np.uint64))
    found = step_keys(loop, 31, 3, 4).numpy().view(np.uint64)
    for step, layer, replica in itertools.product(range(3), range(4), range(2)):
        of_step = child_keys(loop.numpy().view(np.uint64)[replica], 31 + step)
        assert found[step, layer, replica] == child_keys(of_step, layer)
    weights = []
    for ahead in (KEYS_AHEAD, 1):
        monkeypatch.setattr("psa_resmlp.training.engine.KEYS_AHEAD", ahead)
        one = Replica(replace(job(mode="dropout").config, batch_size=25), parse("[2*6]"), 1, 0)
        weights.append(train([one], images, 1)[1][0])
    assert len(images[0]) / 25 > KEYS_AHEAD
    assert torch.equal(*weights)
