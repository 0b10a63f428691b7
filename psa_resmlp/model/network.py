"""Stacks of ResMLP or plain MLP networks on common.replicas: forward and backward written out as lists of calls.

All memory of a step is taken once for a batch size, so a step is a list of calls whose arguments never change: in deep
and narrow networks, looking them up again would take longer than the arithmetic.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.replicas.bank import Bank
from common.replicas.dropout import dropout_
from common.replicas.linear import sum_over_batch
from common.replicas.product import STACKED, method_of, product
from psa_resmlp.model import kernels as K
from psa_resmlp.model.masks import dropout_torch_
from psa_resmlp.model.program import in_one_call
from psa_resmlp.study.architectures import INPUTS, Architecture

Call = functools.partial[Any]
# What follows a linear layer: ReLU and dropout (where the width changes, and first in a block); the sum with the
# block's input and ReLU (second in a block); nothing (the last).
ENTRY, INNER, RESIDUAL, OUTPUT = "entry", "inner", "residual", "output"


def roles(architecture: Architecture, family: str) -> tuple[str, ...]:
    """The role of each linear layer of `architecture.linears(family)`: ENTRY, INNER, RESIDUAL or OUTPUT."""
    found: list[str] = []
    for place, (count, _) in enumerate(architecture.stacks):
        if family == "mlp":
            found += [ENTRY] * count
        else:
            found += [ENTRY] * (place > 0 or architecture.has_entry(family)) + [INNER, RESIDUAL] * count
    return (*found, OUTPUT)


def shapes(architecture: Architecture, family: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters in the order of the signal: linears.0.weight, linears.0.bias, ..."""
    named: dict[str, tuple[int, ...]] = {}
    for place, (inputs, outputs) in enumerate(architecture.linears(family)):
        named |= {f"linears.{place}.weight": (outputs, inputs), f"linears.{place}.bias": (outputs,)}
    return named


@dataclass(frozen=True)
class Step:
    """The memory and the calls for one batch size.

    Attributes:
        images: (R, B, 784) in training, (1, B, 784) where all replicas get the same ones; fill before `forward`.
        logits, logit_grads: (R, B, 10).
        forward, backward: the calls of each pass, in this order.
        go_forward, go_backward: each pass, as one compiled call where there is one.
    """

    images: Tensor
    logits: Tensor
    logit_grads: Tensor
    forward: Sequence[Call]
    backward: Sequence[Call]
    go_forward: Callable[[], None]
    go_backward: Callable[[], None]


class Network:
    """R networks of one architecture side by side.

    Args:
        architecture, family: which.
        replicas: R.
        device: where they are.
        dropout: rate for every linear layer and replica, (L, R); None: no dropout anywhere.
        kernels: use the CPU kernels where the device is the CPU.

    Attributes:
        bank: the parameters; names as in `shapes`.
        keys: int64 (L, R), the bits of dropout's keys for the coming step.
    """

    def __init__(
        self,
        architecture: Architecture,
        family: str,
        replicas: int,
        device: torch.device | str = "cpu",
        *,
        dropout: np.ndarray[Any, np.dtype[np.float64]] | None = None,
        kernels: bool = True,
    ) -> None:
        self.roles = roles(architecture, family)
        self.bank = Bank(shapes(architecture, family), replicas, device)
        self._sizes = architecture.linears(family)
        self._kernels = kernels and self.bank.device.type == "cpu"
        self._rates = np.zeros((len(self.roles), replicas)) if dropout is None else dropout
        self.keys = torch.zeros(self._rates.shape, dtype=torch.int64, device=device)
        self._scales = torch.from_numpy((1 / (1 - self._rates)).astype(np.float32)).to(device)
        self._made: dict[tuple[int, bool], Step] = {}

    @property
    def drops(self) -> bool:
        """Whether any replica has dropout: only then `keys` matter."""
        return bool(self._rates.any())

    def training(self, batch: int) -> Step:
        """The step for a batch size, with gradients, each replica on separate images."""
        return self._step(batch, True)

    def evaluation(self, batch: int) -> Step:
        """The same without dropout and gradients, all replicas on the same images."""
        return self._step(batch, False)

    def _step(self, batch: int, train: bool) -> Step:
        if (batch, train) not in self._made:
            self._made[batch, train] = self._make(batch, train)
        return self._made[batch, train]

    def _make(self, batch: int, train: bool) -> Step:
        replicas = self.bank.replicas
        images = self._empty(replicas if train else 1, batch, INPUTS)
        outputs = self._outputs(batch, train)
        signals = [images.expand(replicas, -1, -1), *outputs]
        forward: list[Call] = []
        for place, role in enumerate(self.roles):
            weight = self.bank.views[f"linears.{place}.weight"]
            forward.append(self._product(signals[place], weight.transpose(1, 2), signals[place + 1]))
            forward.append(self._activation(place, role, signals))
            if train:
                forward += self._dropout(place, signals[place + 1])
        grads = torch.zeros_like(outputs[-1]) if train else outputs[-1]
        backward = self._backward(signals, grads) if train else []
        return Step(images, outputs[-1], grads, forward, backward, self._whole(forward), self._whole(backward))

    def _whole(self, calls: Sequence[Call]) -> Callable[[], None]:
        return (in_one_call(calls) if self._kernels else None) or functools.partial(_one_by_one, calls)

    def _outputs(self, batch: int, train: bool) -> list[Tensor]:
        """Memory for every linear layer's output; without a backward pass, three for each width are reused."""
        shared: dict[tuple[int, int], Tensor] = {}
        found = []
        for place, (_, width) in enumerate(self._sizes):
            key = (place, width) if train else (place % 3, width)
            if key not in shared:
                shared[key] = self._empty(self.bank.replicas, batch, width)
            found.append(shared[key])
        return found

    def _activation(self, place: int, role: str, signals: list[Tensor]) -> Call:
        z, bias = signals[place + 1], self.bank.views[f"linears.{place}.bias"]
        if role == OUTPUT:
            return self._call(K.add_bias, K.add_bias_torch, z, bias)
        if role == RESIDUAL:
            return self._call(K.add_bias_skip_relu, K.add_bias_skip_relu_torch, z, bias, signals[place - 1])
        return self._call(K.add_bias_relu, K.add_bias_relu_torch, z, bias)

    def _dropout(self, place: int, signal: Tensor) -> list[Call]:
        """One call for every row of neighbours with the same rate."""
        calls: list[Call] = []
        rates, first = self._rates[place], 0
        while first < len(rates):
            last = first
            while last < len(rates) and rates[last] == rates[first]:
                last += 1
            if rates[first] > 0:
                some, keys, rate = signal[first:last], self.keys[place, first:last], float(rates[first])
                if self._kernels:
                    calls.append(functools.partial(dropout_, some, rate, keys.numpy().view(np.uint64)))
                else:
                    calls.append(functools.partial(dropout_torch_, some, rate, keys))
            first = last
        return calls

    def _backward(self, signals: list[Tensor], grad: Tensor) -> list[Call]:
        """Calls from the last linear to the first; `grad` is the gradient of the output of the linear at `place`."""
        views, grads = self.bank.views, self.bank.grad_views
        last = len(self.roles) - 1
        calls = [self._bias_sum(grad, grads[f"linears.{last}.bias"])]
        spare: dict[int, list[Tensor]] = {}
        skip: Tensor | None = None
        for place in range(last, -1, -1):
            name = f"linears.{place}.weight"
            calls.append(self._product(grad.transpose(1, 2), signals[place], grads[name]))
            if place == 0:
                break
            below = self._spare(spare, signals[place], grad, skip)
            calls.append(self._product(grad, views[name], below))
            common = (signals[place], self._scales[place - 1], grads[f"linears.{place - 1}.bias"])
            if self.roles[place] == INNER:  # the gradient of the skip connection is added here
                assert skip is not None
                calls.append(self._call(K.relu_back_skip, K.relu_back_skip_torch, below, skip, *common))
                skip = None
            else:
                calls.append(self._call(K.relu_back, K.relu_back_torch, below, *common))
            if self.roles[place] == RESIDUAL:
                skip = grad
            grad = below
        return calls

    def _spare(self, spare: dict[int, list[Tensor]], like: Tensor, *used: Tensor | None) -> Tensor:
        """Memory for a gradient that is none of those in use: three for each width are enough."""
        pool = spare.setdefault(like.shape[2], [])
        for tensor in pool:
            if all(tensor is not other for other in used):
                return tensor
        pool.append(torch.zeros_like(like))
        return pool[-1]

    def _bias_sum(self, grad: Tensor, out: Tensor) -> Call:
        return functools.partial(sum_over_batch, grad, out)

    def _product(self, a: Tensor, b: Tensor, out: Tensor) -> Call:
        if a.shape[0] == 1 or a.device.type != "cpu" or method_of(a, b, out) == STACKED:
            return functools.partial(torch.bmm, a, b, out=out)
        return functools.partial(product, a, b, out)

    def _call(self, kernel: Any, twin: Any, *tensors: Tensor) -> Call:
        return functools.partial(
            kernel if self._kernels else twin, *(K.as_argument(tensor, self._kernels) for tensor in tensors)
        )

    def _empty(self, *shape: int) -> Tensor:
        return torch.zeros(*shape, device=self.bank.device)


def _one_by_one(calls: Sequence[Call]) -> None:
    for call in calls:
        call()
