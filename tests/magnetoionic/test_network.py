"""The fast network against torch's autograd and the definition in torch; noise by its statistics."""

import copy
import itertools

import numpy as np
import pytest
import torch

from magnetoionic.curves import DOUBLE, SINGLE
from magnetoionic.images import batches, padded
from magnetoionic.kernels import norm
from magnetoionic.kernels.normal import NormalStream
from magnetoionic.modules import Network as Definition
from magnetoionic.modules import PairLinear, SingleLinear
from magnetoionic.network import Network, Noise
from magnetoionic.optimizers import MagnetoionicDouble, MagnetoionicSingle
from magnetoionic.rule import Rule
from magnetoionic.simulation import state_dict
from magnetoionic.singles import SingleLayer


def nothing():
    pass


def as_definition(fast, sizes, curve, **noise):
    """The same network in torch, in double precision."""
    found = Definition(sizes[1:-1], curve, inputs=sizes[0], classes=sizes[-1], **noise).double()
    state = {name: torch.from_numpy(array) for name, array in state_dict(fast).items()}
    found.load_state_dict(state)
    return found


def pixels(images):
    return torch.from_numpy(padded(images) / 255.0)


def plain_outputs(network, values):
    """The forward pass in ordinary torch operations, without autograd.Function."""
    for layer in network.layers:
        if isinstance(layer, PairLinear):
            values = (values * layer.input_scale) @ (layer.weight2 - layer.weight1).T
        else:
            values = layer(values)
    return values


@pytest.mark.parametrize("sizes", [(1024, 24, 10), (1024, 30, 20, 10), (1024, 10)])
def test_backward_of_the_definition_is_autograds(make_network, some_images, sizes):
    images, labels = some_images
    fast, _ = make_network(sizes)
    network = as_definition(fast, sizes, DOUBLE["double-linear"])
    twin = copy.deepcopy(network)
    target = torch.from_numpy(labels)
    values = pixels(images).requires_grad_()
    mine = torch.autograd.grad(
        torch.nn.functional.cross_entropy(network(values), target), [values, *network.parameters()]
    )
    plain = torch.autograd.grad(
        torch.nn.functional.cross_entropy(plain_outputs(twin, values), target), [values, *twin.parameters()]
    )
    for left, right in zip(mine, plain, strict=True):
        assert torch.allclose(left, right, rtol=1e-9, atol=1e-15)


def test_gradcheck_of_the_layer():
    for layer in (PairLinear(5, 4, DOUBLE["double-linear"]).double(), SingleLinear(5, 4).double()):
        devices = [device.detach().requires_grad_() for device in layer.parameters()]
        values = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)

        def forward(values, *devices, layer=layer):
            names = [name for name, _ in layer.named_parameters()]
            return torch.func.functional_call(layer, dict(zip(names, devices, strict=True)), (values * 1000,))

        assert torch.autograd.gradcheck(forward, (values, *devices))


@pytest.mark.parametrize("sizes", [(1024, 24, 10), (1024, 30, 20, 10), (1024, 10)])
@pytest.mark.parametrize("field", DOUBLE)
def test_training_follows_the_definition(make_network, some_images, some_batches, sizes, field):
    """Two epochs of two batches: every device and statistic."""
    images, labels = some_images
    rule = Rule(300.0, 0.01, field == "double-linear")
    fast, layers = make_network(sizes, field, rule)
    slow = as_definition(fast, sizes, DOUBLE[field])
    optimizer = MagnetoionicDouble(
        slow.parameters(), rule.lr, DOUBLE[field], 0.0, rule.clipping, rule.physical_clipping
    )
    devices = list(slow.parameters())
    for first, second, layer in zip(devices[::2], devices[1::2], layers, strict=True):
        optimizer.state[first]["variability"] = torch.from_numpy(layer._vary1.T.astype(float))
        optimizer.state[second]["variability"] = torch.from_numpy(layer._vary2.T.astype(float))
    start, losses, sizes_of_gradients = state_dict(fast), [], []
    for epoch in (1, 2):
        result = fast.train_epoch(some_batches, epoch, nothing)
        total = 0.0
        for at in (0, 32):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(
                slow(pixels(images[at : at + 32])), torch.from_numpy(labels[at : at + 32])
            )
            loss.backward()
            sizes_of_gradients = [float(second.grad.abs().mean()) * rule.lr for second in devices[1::2]]
            optimizer.step()
            total += loss.item() * 32
        losses.append((result.loss, total / 64))
        assert result.gradients == pytest.approx(sizes_of_gradients, rel=2e-3)
    for mine, theirs in losses:
        assert mine == pytest.approx(theirs, rel=1e-4)
    wanted = slow.state_dict()
    for name, array in state_dict(fast, batches=4).items():
        off = np.abs(array - wanted[name].numpy())
        moved = np.abs(start[name].astype(float) - array).max()
        assert (off < 1e-3 * moved + 1e-6).mean() > 0.99, name  # a gradient near 0 may pick the other device
    slow.eval()
    right = (slow(pixels(images)).argmax(1).numpy() == labels).mean()
    assert abs(fast.accuracy(some_batches, beat=nothing) - right) <= 1 / 64


def test_single_devices_follow_their_definition(some_images, some_batches):
    images, labels = some_images
    sizes, field = (1024, 12, 10), SINGLE["single-weak"]
    shapes = enumerate(itertools.pairwise(sizes), 1)
    layers = [SingleLayer(shape, field, Rule(30.0), 0.01, 1.0, 5, "layer", k) for k, shape in shapes]
    fast = Network(layers, Noise(0.0, 0.0), 0.001, 30.0, 5, 32)
    slow = as_definition(fast, sizes, field)
    optimizer = MagnetoionicSingle(slow.parameters(), 30.0, field)
    fast.train_epoch(some_batches, 1, nothing)
    for at in (0, 32):
        optimizer.zero_grad()
        out = slow(pixels(images[at : at + 32]))
        torch.nn.functional.cross_entropy(out, torch.from_numpy(labels[at : at + 32])).backward()
        optimizer.step()
    wanted = slow.state_dict()
    for name, array in state_dict(fast, batches=2).items():
        assert np.abs(array - wanted[name].numpy()).max() < 1e-4, name


def test_a_pixel_that_is_never_lit_leaves_its_devices_alone(make_network, some_batches):
    fast, layers = make_network()
    start = layers[0].first.copy(), layers[0].second.copy()
    fast.train_epoch(some_batches, 1, nothing)
    dark = ~np.isin(np.arange(1024), np.concatenate([batch.pixels for batch in some_batches]))
    assert 300 < dark.sum() < 1000
    assert np.array_equal(layers[0].first[dark], start[0][dark])
    assert np.array_equal(layers[0].second[dark], start[1][dark])
    assert not np.array_equal(layers[0].first[~dark], start[0][~dark])


def test_voltage_noise_is_added_to_every_output(make_network, some_batches):
    clean, _ = make_network(noise=Noise(0.0, 0.0))
    noisy, _ = make_network(noise=Noise(2e-5, 0.0))
    stream, found = NormalStream(1, "x"), []
    seen = []
    clean.forward(some_batches[0], stream, training=True, watch=lambda k, current, voltage: seen.append(voltage.copy()))
    for _ in range(300):
        voltages = []
        noisy.forward(
            some_batches[0],
            stream,
            training=True,
            watch=lambda k, current, voltage: voltages.append(voltage.copy()),  # noqa: B023
        )
        found.append(voltages[0] - seen[0])
    found = np.array(found)
    assert found.std() == pytest.approx(2e-5, rel=0.01)
    assert abs(found.mean()) < 4 * 2e-5 / found.size**0.5 + 1e-9
    assert abs(np.corrcoef(found[:-1].ravel(), found[1:].ravel())[0, 1]) < 0.02


def test_reading_noise_enters_the_input_gradient_and_nothing_else(make_network, some_batches):
    """Over many readings, what reaches the first layer has the clean gradient as its mean; the last layer's stays."""
    batch = some_batches[0]

    def backward(sigma, seed):
        fast.noise = Noise(0.0, sigma)
        outputs = fast.forward(batch, NormalStream(0, "x"), training=True)
        norm.cross_entropy(outputs, batch.labels, fast.layers[1].gradient[:32])
        fast.backward(batch, NormalStream(seed, "read"))

    fast, layers = make_network()
    slopes, reached = [], []
    layers[1].pulse = lambda slope: slopes.append(slope.copy())
    layers[0].pulse_sparse = lambda batch, gradient: reached.append(gradient.copy())
    backward(0.0, 0)
    for seed in range(1500):
        backward(0.05, seed)
    assert all(np.array_equal(slope, slopes[0]) for slope in slopes)
    noisy = np.array(reached[1:])
    error = noisy.std(axis=0) / len(noisy) ** 0.5
    assert (error > 0).mean() > 0.99
    score = (noisy.mean(axis=0) - reached[0])[error > 0] / error[error > 0]
    assert score.std() == pytest.approx(1.0, abs=0.3)
    assert np.abs(score).max() < 6


def test_the_read_weights_have_the_right_spread(make_network):
    fast, layers = make_network(noise=Noise(0.0, 0.05))
    stream = NormalStream(1, "read")
    reads = np.array([fast._read(fast.layers[1], stream) - layers[1].weight for _ in range(2000)])
    assert reads.std() == pytest.approx(0.05 * 2**0.5, rel=0.01)
    assert abs(reads.mean()) < 4 * 0.0707 / reads.size**0.5
    torch.manual_seed(0)
    layer = PairLinear(100, 100, DOUBLE["double-linear"], resistor_noise=0.05)
    difference = layer.read(layer.weight2) - layer.read(layer.weight1) - (layer.weight2 - layer.weight1)
    assert float(difference.detach().std()) == pytest.approx(0.05 * 2**0.5, rel=0.03)
    assert layer.voltage_noise == pytest.approx(5e-6)


def test_noise_of_the_definition_only_reaches_the_input_gradient():
    torch.manual_seed(1)
    layer = PairLinear(20, 10, DOUBLE["double-linear"], resistor_noise=0.5, voltage_noise=0.0)
    values, onward, devices = torch.rand(8, 20, requires_grad=True), [], []
    for _ in range(2):
        grads = torch.autograd.grad(layer(values).square().sum(), [values, layer.weight1, layer.weight2])
        onward.append(grads[0])
        devices.append(grads[1:])
    assert not torch.equal(*onward)
    assert torch.equal(devices[0][0], devices[1][0])
    assert torch.equal(devices[0][0], -devices[0][1])


def test_device_noise_reads_devices_in_the_forward_pass(make_network, some_batches):
    spread = {}
    for forward in (False, True):
        fast, _ = make_network(noise=Noise(0.0, 0.05, forward))
        stream, found = NormalStream(1, "x"), []

        def watch(number, current, voltage, found=found):
            if number == 0:
                found.append(voltage.copy())

        for _ in range(100):
            fast.forward(some_batches[0], stream, training=False, watch=watch)
        spread[forward] = np.array(found).std(axis=0, dtype=float)
    assert spread[False].max() < 1e-12
    batch = some_batches[0]
    squares = [
        (batch.currents[a:b].astype(float) ** 2).sum()
        for a, b in zip(batch.image_starts[:-1], batch.image_starts[1:], strict=True)
    ]
    wanted = 0.05 * 2**0.5 * np.sqrt(squares)  # of a sum over pixels of current times noise
    assert spread[True].mean(axis=1) == pytest.approx(wanted, rel=0.1)


def test_batches_keep_order_and_values(some_images):
    images, labels = some_images
    found = batches(images[:50], labels[:50], 32, 0.001)
    assert [len(batch.labels) for batch in found] == [32, 18]
    dense = np.zeros((18, 1024), np.float32)
    turned = np.zeros((18, 1024), np.float32)
    batch = found[1]
    for b in range(18):
        at = slice(batch.image_starts[b], batch.image_starts[b + 1])
        dense[b, batch.pixels[at]] = batch.currents[at]
    for pixel in range(1024):
        at = slice(batch.pixel_starts[pixel], batch.pixel_starts[pixel + 1])
        turned[batch.images[at], pixel] = batch.pixel_currents[at]
    wanted = np.pad(images[32:50] / 255 * 0.001, ((0, 0), (2, 2), (2, 2))).reshape(18, 1024)
    assert np.allclose(dense, wanted, rtol=1e-6)
    assert np.array_equal(dense, turned)
    assert np.array_equal(batch.labels, labels[32:50])


def test_batch_norm_follows_torch():
    rng = np.random.default_rng(2)
    values = rng.normal(0.01, 1e-3, (33, 7)).astype(np.float32)
    theirs = torch.nn.BatchNorm1d(7, eps=1e-5, momentum=0.15, affine=False).double()
    inputs = torch.tensor(values.astype(float), requires_grad=True)
    wanted = theirs(inputs)
    mine, mean, inverse = values.copy(), np.zeros(7, np.float32), np.zeros(7, np.float32)
    running_mean, running_var = np.zeros(7, np.float32), np.ones(7, np.float32)
    norm.normalize_batch(mine, np.float32(1e-5), np.float32(0.15), mean, inverse, running_mean, running_var)
    assert np.abs(mine - wanted.detach().numpy()).max() < 1e-4
    assert running_mean == pytest.approx(theirs.running_mean.numpy(), rel=1e-6)
    assert running_var == pytest.approx(theirs.running_var.numpy(), rel=1e-5)
    gradient = rng.normal(0, 1, (33, 7)).astype(np.float32)
    wanted.backward(torch.tensor(gradient.astype(float)))
    norm.normalize_backward(mine, inverse, gradient, np.zeros((2, 7), np.float32))
    assert np.abs(gradient - inputs.grad.numpy()).max() < 1e-4 * np.abs(inputs.grad.numpy()).max()
    theirs.eval()
    mine = values.copy()
    norm.normalize_running(mine, np.float32(1e-5), running_mean, running_var, inverse)
    assert np.abs(mine - theirs(torch.tensor(values.astype(float))).numpy()).max() < 1e-5
