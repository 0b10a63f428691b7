"""The PyTorch layers: equal to torch.nn's without nonidealities, and each nonideality alone against NumPy."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from aanntwin.config import NONIDEALITIES, ModelParams, Nonidealities, Normalization
from aanntwin.layers import Effects
from aanntwin.model import Model

IMAGE = (1, 28, 28)
DEEP = ModelParams(conv_out_channels=3, kernel_size=4, stride=2, padding=1, pool_size=2, additional_layers=(12, 11))
LAYERS = ("conv2d", "additional_linear_0", "additional_linear_1", "linear")


@pytest.fixture
def images():
    return torch.rand(5, *IMAGE, generator=torch.Generator().manual_seed(3))


def twin(nonidealities=None, **more):
    return Model(DEEP, IMAGE, nonidealities, seed=1, **more)


def plain(model):
    """The same network of torch.nn's layers, with the same weights."""
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 3, 4, 2, 1), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
        torch.nn.Linear(147, 12), torch.nn.ReLU(), torch.nn.Linear(12, 11), torch.nn.ReLU(), torch.nn.Linear(11, 10),
    )  # fmt: skip
    with torch.no_grad():
        for own, value in zip(net.parameters(), model.parameters(), strict=True):
            own.copy_(value)
    return net


def test_without_nonidealities_outputs_and_gradients_are_those_of_torch(images):
    model = twin()
    net = plain(model)
    labels = torch.arange(5)
    for one in (model, net):
        functional.cross_entropy(one(images), labels).backward()
    assert torch.allclose(model(images), net(images), atol=1e-6, rtol=0)
    for own, value in zip(model.parameters(), net.parameters(), strict=True):
        assert own.grad.abs().max() > 0
        assert torch.allclose(own.grad, value.grad, atol=1e-6, rtol=0)


def watched(model, images):
    """Inputs and outputs of every layer with weights, and of every ReLU."""
    seen = {}

    def watch(name):
        def hook(module, inputs, output):
            seen[name] = (inputs[0].detach(), output.detach())

        getattr(model.layers, name).register_forward_hook(hook)

    for name in (*LAYERS, "input_noise", *(f"{layer}_relu" for layer in LAYERS[:-1])):
        watch(name)
    model(images)
    return seen


def linear_map(model, name, x):
    """What a layer's weights make of x, in float64 NumPy."""
    layer = getattr(model.layers, name)
    weight, bias = (value.detach().numpy().astype(float) for value in (layer.weight, layer.bias))
    if name != "conv2d":
        return x @ weight.T + bias
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (4, 4), axis=(2, 3))[:, :, ::2, ::2]
    return np.einsum("bcyxij,ocij->boyx", windows, weight) + bias[:, None, None]


@pytest.mark.parametrize("kind", ["conv2d", "linear"])
@pytest.mark.parametrize("what", ["clip", "nonlin"])
def test_input_clip_and_polynomial_act_on_every_layer_of_their_kind_and_no_other(images, kind, what):
    value = 0.3 if what == "clip" else (0.02, 0.7, -0.2, 0.4)
    model = twin(Nonidealities(**{f"{kind}_input_{what}": value}))
    for name in LAYERS:
        x, y = (part.numpy().astype(float) for part in watched(model, images)[name])
        mapped = np.clip(x, -0.3, 0.3) if what == "clip" else np.polynomial.polynomial.polyval(x, value)
        affected = kind in name
        expected = linear_map(model, name, mapped if affected else x)
        assert np.allclose(y, expected, atol=2e-6), name
        if affected:
            assert np.abs(y - linear_map(model, name, x)).max() > 1e-3, name


def effects(*sites, **levels):
    return Effects("", Nonidealities(**levels).acting(*sites), lambda name, like: torch.randn_like(like))


def test_the_polynomial_comes_after_the_clip():
    shape = effects("linear_input", linear_input_clip=0.5, linear_input_nonlin=(0.0, 0.0, 2.0))
    assert shape(torch.tensor([3.0, -0.25])).tolist() == [0.5, 0.125]


@pytest.mark.parametrize("cutoff", [0.0, 0.2, -0.1])
def test_relu_is_the_larger_of_cutoff_and_input(cutoff):
    x = torch.tensor([-1.0, -0.05, cutoff, 0.1, 5.0, math.nan], requires_grad=True)
    out = effects("relu", relu_cutoff=cutoff)(x)
    assert np.array_equal(out.detach(), np.maximum(np.float32(cutoff), x.detach().numpy()), equal_nan=True)
    out[:-1].sum().backward()
    assert x.grad[:-1].tolist() == (x[:-1] > cutoff).float().tolist()


def test_relu_cutoff_acts_on_every_relu_and_published_after_the_convolution_alone(images):
    for compat, names in ((None, LAYERS[:-1]), ("published", LAYERS[:1])):
        seen = watched(twin(Nonidealities(relu_cutoff=0.25), compat=compat), images)
        for layer in LAYERS[:-1]:
            lowest = float(seen[f"{layer}_relu"][1].min())
            assert lowest == (0.25 if layer in names else 0.0), layer


NOISY = {
    "input_noise": ("input",),
    "conv2d_out_noise": ("conv2d",),
    "linear_out_noise": LAYERS[1:],
    "relu_out_noise": tuple(f"{layer}_relu" for layer in LAYERS[:-1]),
}


@pytest.mark.parametrize("name", NOISY)
def test_each_noise_is_drawn_for_every_layer_of_its_kind(images, name):
    drawn = []

    def source(layer, like):
        drawn.append(layer)
        return torch.full_like(like, 2.0)

    noisy = twin(Nonidealities(**{name: 0.5}), noise=source)
    seen = watched(noisy, images)
    assert tuple(drawn) == NOISY[name]
    for layer in NOISY[name]:
        x, y = (part.numpy().astype(float) for part in seen["input_noise" if layer == "input" else layer])
        clean = np.maximum(0, x) if "relu" in layer else x
        clean = linear_map(noisy, layer, x) if layer in LAYERS else clean
        assert np.allclose(y, clean + 1.0, atol=2e-6), layer  # deviation 0.5 times 2


def test_published_draws_relu_noise_after_the_convolution_alone(images):
    drawn = []

    def source(layer, like):
        drawn.append(layer)
        return torch.zeros_like(like)

    twin(Nonidealities(relu_out_noise=0.5, linear_out_noise=0.5), compat="published", noise=source)(images)
    assert drawn == ["conv2d_relu", *LAYERS[1:]]


def test_noise_has_its_deviation_and_is_new_in_every_pass_and_element():
    model = twin(Nonidealities(input_noise=0.3))
    layer = model.layers.input_noise
    first, second = (layer(torch.zeros(100, *IMAGE)) for _ in range(2))
    both = torch.cat([first, second]).flatten()
    assert abs(float(both.mean())) < 4 * 0.3 / math.sqrt(len(both))
    assert float(both.std()) == pytest.approx(0.3, rel=4 / math.sqrt(2 * len(both)))
    assert abs(np.corrcoef(first.flatten(), second.flatten())[0, 1]) < 4 / math.sqrt(len(both) / 2)
    assert len(both.unique()) > 0.95 * len(both)


def test_normalization_maps_the_range_of_pixels():
    scale = Normalization(min_out=-0.2, max_out=0.6, min_in=0.1, max_in=0.9)
    model = Model(DEEP, IMAGE, normalization=scale)
    out = model.layers.normalize(torch.tensor([0.1, 0.5, 0.9]))
    assert torch.allclose(out, torch.tensor([-0.2, 0.2, 0.6]), atol=1e-7)


def test_initial_weights_have_their_bounds_and_leave_torchs_global_generator_alone():
    before = torch.get_rng_state()
    model = Model(ModelParams(conv_out_channels=64, additional_layers=(200,)), IMAGE, seed=5)
    assert torch.equal(before, torch.get_rng_state())
    inputs = {"conv2d": 36, "additional_linear_0": 64 * 169, "linear": 200}
    for name, count in inputs.items():
        bound = 1 / math.sqrt(count)
        weight_bound = bound if name == "conv2d" else bound * math.sqrt(6)
        for kind, limit in (("weight", weight_bound), ("bias", bound)):
            value = model.weights()[f"{name}_{kind}"]
            assert value.abs().max() <= limit
            assert value.abs().max() > 0.8 * limit
            assert float(value.std()) == pytest.approx(limit / math.sqrt(3), rel=0.4)
    again = Model(ModelParams(conv_out_channels=64, additional_layers=(200,)), IMAGE, seed=5)
    assert all(torch.equal(again.weights()[name], value) for name, value in model.weights().items())


def test_the_same_seed_gives_pytorchs_own_convolution():
    with torch.random.fork_rng():
        torch.manual_seed(42)
        own = torch.nn.Conv2d(1, 3, 4, 2, 1)
    model = Model(DEEP, IMAGE, seed=42)
    assert torch.allclose(model.layers.conv2d.weight, own.weight, atol=1e-8)
    assert torch.allclose(model.layers.conv2d.bias, own.bias, atol=1e-8)


def test_every_nonideality_changes_the_output(images, all_nonidealities):
    clean = twin()(images)
    for name in NONIDEALITIES:
        model = twin(Nonidealities(**{name: getattr(all_nonidealities, name)}))
        assert not torch.allclose(model(images), clean, atol=1e-4), name
