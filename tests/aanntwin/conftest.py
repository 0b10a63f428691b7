"""The bundled digits as 28x28 images, settings for them, and commands in this process or in one of their own."""

import sys
from pathlib import Path

import pytest
import torch

from aanntwin.config import ModelParams, Nonidealities, Settings

# Every nonideality at once.
ALL = Nonidealities(
    input_noise=0.1,
    relu_cutoff=0.05,
    relu_out_noise=0.1,
    linear_out_noise=0.2,
    conv2d_out_noise=0.1,
    linear_input_clip=0.6,
    conv2d_input_clip=0.8,
    linear_input_nonlin=(0.01, 1.0, 0.05, -0.02),
    conv2d_input_nonlin=(0.0, 0.9, 0.1),
)
DEEP = ModelParams(conv_out_channels=5, kernel_size=5, stride=1, padding=0, pool_size=2, additional_layers=(33, 17))


@pytest.fixture(autouse=True)
def one_thread():
    """Small tensors: a second thread of torch's would only wait."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def own(monkeypatch):
    """Lets nonidealities of a user's own be named as own_droop:Droop."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    yield
    sys.modules.pop("own_droop", None)


@pytest.fixture
def digits():
    return Settings(dataset_name="digits", threads=1)


@pytest.fixture
def all_nonidealities():
    return ALL


@pytest.fixture
def deep():
    """A network with pooling, an odd number of channels and of kernel elements, and two additional layers."""
    return DEEP


@pytest.fixture
def random_weights():
    """Weights of a model for any number of image channels, with every layer's outputs of about one."""

    def make(settings, seed=0):
        from aanntwin.engines import weight_shapes

        generator = torch.Generator().manual_seed(seed)
        found = {}
        for name, shape in weight_shapes(settings).items():
            inputs = torch.Size(shape[1:]).numel()
            scale = inputs**-0.5 if name.endswith("weight") else 0.1
            found[name] = scale * torch.randn(shape, generator=generator)
        return found

    return make
