"""Networks made of the parts: autograd and torch.optim are the oracles, a replica's run alone is the other one."""

import numpy as np
import pytest
import torch

from common.replicas.activations import NAMES
from common.replicas.adam import Adam
from common.replicas.bank import Bank
from common.replicas.batches import Images, batches, epoch_orders
from common.replicas.evaluate import evaluate
from common.replicas.initial import initialise

DATA = np.random.default_rng(0)
PIXELS = DATA.integers(0, 256, (700, 28, 28), dtype=np.uint8)
LABELS = DATA.integers(0, 10, 700)


def train(net, seeds, sizes=(784, 40, 18, 10), activation="relu", epochs=2, batch_size=96, decay=0.01, **keywords):
    """Parameters and final scores of R replicas after some epochs, each with shuffles of its own."""
    network = net(sizes, seeds, activation, **keywords)
    images = Images(PIXELS, LABELS, **keywords)
    rates = [1e-3 * (1 + seed) for seed in seeds]
    adam = Adam(network.bank, rates, decay, decoupled=True, **keywords)
    for epoch in range(epochs):
        for index in batches(images.place(epoch_orders(seeds, epoch, len(images))), batch_size):
            network.backward(images.gather(index), images.labels_of(index))
            adam.step()
    return network, network.score.means(), evaluate(network.forward, images, len(seeds), batch_size=100, **keywords)


@pytest.mark.parametrize("activation", NAMES)
def test_gradients_are_those_of_autograd(net, activation):
    network = net((20, 12, 7, 5), [3, 4], activation)
    x, y = torch.randn(2, 33, 20), torch.randint(0, 5, (2, 33))
    logits = network.backward(x, y)
    losses, hits = network.score.means()
    for r in range(2):
        module = network.module(r)
        expected = module(x[r])
        loss = torch.nn.functional.cross_entropy(expected, y[r])
        loss.backward()
        torch.testing.assert_close(logits[r], expected)
        assert losses[r] == pytest.approx(loss.item(), rel=1e-5)
        assert hits[r] == pytest.approx((expected.argmax(1) == y[r]).double().mean().item())
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(network.bank.grad_views[name][r], parameter.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("kernels", [False, True])
def test_adam_is_that_of_torch(decoupled, kernels):
    rates, decays = [1e-3, 3e-2], [0.0, 0.1]
    bank = Bank({"weight": (5, 7), "bias": (5,)}, 2)
    initialise(bank, [torch.Generator().manual_seed(seed) for seed in (1, 2)])
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    copies = [{name: torch.nn.Parameter(value) for name, value in bank.state_dict(r).items()} for r in range(2)]
    theirs = [kind(copies[r].values(), lr=rates[r], weight_decay=decays[r]) for r in range(2)]
    ours = Adam(bank, rates, decays, decoupled=decoupled, kernels=kernels)
    for _ in range(30):
        for name, shape in bank.shapes.items():
            bank.grad_views[name].copy_(torch.randn(2, *shape) * torch.rand(2, *shape) ** 4)
            for r in range(2):
                copies[r][name].grad = bank.grad_views[name][r].clone()
        ours.step()
        for optimiser in theirs:
            optimiser.step()
    for r in range(2):
        for name, value in bank.state_dict(r).items():
            torch.testing.assert_close(value, copies[r][name].detach(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("activation", NAMES)
@pytest.mark.parametrize("count", [1, 2])
def test_a_replica_has_the_bits_of_its_run_alone(net, threads, activation, count):
    threads(count)
    seeds = [5, 0, 9]
    stacked, scores, tested = train(net, seeds, activation=activation)
    for r, seed in enumerate(seeds):
        alone, alone_scores, alone_tested = train(net, [seed], activation=activation)
        assert [column[r] for column in (*scores, *tested)] == [column[0] for column in (*alone_scores, *alone_tested)]
        assert torch.equal(stacked.bank.values[r], alone.bank.values[0])


def test_the_path_of_other_devices_gives_the_same_to_rounding(net):
    kernels = train(net, [1, 2], epochs=1)
    torch_only = train(net, [1, 2], epochs=1, kernels=False)
    torch.testing.assert_close(kernels[0].bank.values, torch_only[0].bank.values, rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(kernels[2], torch_only[2], atol=3e-3)


def test_it_learns(net):
    first = train(net, [3], epochs=1, batch_size=16)[2]
    last = train(net, [3], epochs=20, batch_size=16)[2]
    assert last[1][0] > 0.5 > 0.3 > first[1][0]  # random labels, learnt by heart
    assert last[0][0] < 0.7 * first[0][0]


def test_adam_starts_anew():
    bank = Bank({"weight": (2, 2)}, 1)
    bank.grads.fill_(1.0)
    adam = Adam(bank, 0.1)
    adam.step()
    first = bank.values.clone()
    adam.step()
    adam.reset()
    bank.values.zero_()
    adam.step()
    assert torch.equal(bank.values, first)
    assert adam.steps.tolist() == [1]
