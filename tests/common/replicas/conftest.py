import itertools

import pytest
import torch

from common.replicas.activations import Activation
from common.replicas.bank import Bank
from common.replicas.initial import initialise
from common.replicas.linear import linear, linear_gradients, linear_input_gradient
from common.replicas.loss import CrossEntropy
from common.seeding import torch_generator


class Net:
    """A small MLP made of the parts, as a suite would make one."""

    def __init__(self, sizes, seeds, activation="relu", kernels=True):
        pairs = list(itertools.pairwise(sizes))
        shapes = {}
        for place, (fan_in, fan_out) in enumerate(pairs):
            shapes |= {f"{2 * place}.weight": (fan_out, fan_in), f"{2 * place}.bias": (fan_out,)}
        self.bank = Bank(shapes, len(seeds))
        initialise(self.bank, [torch_generator(seed, "init") for seed in seeds])
        self.names = [str(2 * place) for place in range(len(pairs))]
        self.activation, self.score = Activation(activation), CrossEntropy(len(seeds), kernels=kernels)

    def forward(self, x):
        self.inputs, self.before = [], []
        for place, name in enumerate(self.names):
            self.inputs.append(x)
            x = linear(x, self.bank.views[f"{name}.weight"], self.bank.views[f"{name}.bias"])
            if place < len(self.names) - 1:
                self.before.append(x)
                x = self.activation.forward(x, torch.empty_like(x) if self.activation.keeps_input else None)
        return x

    def backward(self, x, y):
        logits = self.forward(x)
        grad = torch.empty_like(logits)
        self.score.add(logits, y, grad)
        views, grads = self.bank.views, self.bank.grad_views
        for place in reversed(range(len(self.names))):
            name = self.names[place]
            linear_gradients(self.inputs[place], grad, grads[f"{name}.weight"], grads[f"{name}.bias"])
            if place:
                grad = linear_input_gradient(grad, views[f"{name}.weight"])
                self.activation.backward(grad, self.before[place - 1], self.inputs[place])
        return logits

    def module(self, replica):
        """The same network as an ordinary nn.Sequential."""
        kinds = {
            "relu": torch.nn.ReLU(),
            "tanh": torch.nn.Tanh(),
            "sigmoid": torch.nn.Sigmoid(),
            "leaky_relu": torch.nn.LeakyReLU(0.1),
            "gelu": torch.nn.GELU(),
        }
        layers = []
        for place, name in enumerate(self.names):
            layers.append(torch.nn.Linear(*reversed(self.bank.shapes[f"{name}.weight"])))
            if place < len(self.names) - 1:
                layers.append(kinds[self.activation.name])
        module = torch.nn.Sequential(*layers)
        module.load_state_dict(self.bank.state_dict(replica))
        return module


@pytest.fixture
def net():
    return Net


@pytest.fixture
def threads():
    """Set torch's number of threads for a test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
