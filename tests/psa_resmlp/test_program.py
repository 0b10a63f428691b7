"""A pass in one call has the bits of the calls one by one, and gives way to them where it cannot be made."""

import functools

import numpy as np
import pytest
import torch

from common.replicas.blas import sgemm_address
from psa_resmlp.model import network as module
from psa_resmlp.model.network import Network
from psa_resmlp.model.program import in_one_call
from psa_resmlp.study.architectures import parse

BATCH = 48
needs_sgemm = pytest.mark.skipif(sgemm_address() == 0, reason="this torch has no sgemm_, or nothing is compiled")


def made(arch, family, replicas, rate=0.0):
    """A network with random weights, images, gradients and keys."""
    torch.manual_seed(3)
    architecture = parse(arch)
    layers = len(architecture.linears(family))
    rates = np.full((layers, replicas), rate)
    rates[-1], rates[::2, -1] = 0.0, 0.0
    network = Network(architecture, family, replicas, dropout=rates)
    network.bank.values.copy_(torch.randn_like(network.bank.values) * 0.3)
    network.keys.copy_(torch.randint(2**62, network.keys.shape))
    step = network.training(BATCH)
    step.images.copy_(torch.randn_like(step.images))
    step.logit_grads.copy_(torch.randn_like(step.logit_grads))
    return network, step


def outcome(network, step, forward, backward):
    network.bank.grads.fill_(torch.nan)
    step.logits.fill_(torch.nan)
    forward()
    backward()
    return step.logits.clone(), {name: grad.clone() for name, grad in network.bank.grad_views.items()}


@needs_sgemm
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("rate", [0.0, 0.3])
@pytest.mark.parametrize(("arch", "family"), [("18*18", "resmlp"), ("18*18", "mlp"), ("2*33,3*17", "resmlp")])
def test_a_pass_in_one_call_has_the_bits_of_its_calls(arch, family, rate, replicas):
    network, step = made(arch, family, replicas, rate)
    wholes = [in_one_call(calls) for calls in (step.forward, step.backward)]
    assert None not in wholes
    assert type(step.go_forward) is type(step.go_backward) is type(wholes[0])
    logits, grads = outcome(network, step, *wholes)
    ones = [functools.partial(module._one_by_one, calls) for calls in (step.forward, step.backward)]
    wanted, wanted_grads = outcome(network, step, *ones)
    assert torch.equal(logits, wanted)
    assert logits.isfinite().all()
    for name, grad in wanted_grads.items():
        assert torch.equal(grads[name], grad), name


@needs_sgemm
def test_a_shared_batch_of_an_evaluation():
    network, _ = made("4*20", "resmlp", 3)
    step = network.evaluation(BATCH)
    step.images.copy_(torch.randn_like(step.images))
    step.go_forward()
    found = step.logits.clone()
    step.logits.fill_(torch.nan)
    module._one_by_one(step.forward)
    assert torch.equal(step.logits, found)


def test_without_the_entry_the_calls_are_made_one_by_one(monkeypatch):
    monkeypatch.setattr("psa_resmlp.model.program.sgemm_address", lambda: 0)
    network, step = made("2*18", "resmlp", 2, 0.3)
    assert in_one_call(step.forward) is None
    logits, grads = outcome(network, step, step.go_forward, step.go_backward)
    assert logits.isfinite().all()
    assert all(grad.isfinite().all() for grad in grads.values())


def test_calls_that_have_no_compiled_form_are_left_alone():
    assert in_one_call([functools.partial(torch.neg, torch.ones(2, 3))]) is None
