"""PyTorch's default initialisation of linear and convolution layers, each replica from its own generator."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from common.replicas.bank import Bank


def initialise(bank: Bank, generators: Sequence[torch.Generator]) -> None:
    """Fill every replica as a freshly built nn.Module would be after torch.manual_seed with its generator's seed.

    Weights are named *.weight and biases *.bias, a bias after its weight. The draws are made on the CPU, so they are
    the same whatever the device.

    Args:
        bank: R replicas.
        generators: R CPU generators; each is advanced by its own replica's draws only.

    Source: torch.nn.Linear.reset_parameters: both uniform within +-1/sqrt(fan in).
    """
    for replica, generator in enumerate(generators):
        bound = math.nan
        for name, shape in bank.shapes.items():
            values = torch.empty(shape)
            if name.endswith("weight"):
                torch.nn.init.kaiming_uniform_(values, a=math.sqrt(5), generator=generator)
                bound = 1 / math.sqrt(math.prod(shape[1:]))
            else:
                torch.nn.init.uniform_(values, -bound, bound, generator=generator)
            bank.views[name][replica].copy_(values)
