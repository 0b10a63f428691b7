"""Weight files of small models, trained for a moment on the bundled digits."""

import pytest
import torch

from aanntwin.config import ModelParams
from aanntwin.trainer import train
from aanntwin.weights import save_weights

SMALL = ModelParams(conv_out_channels=2, kernel_size=4, stride=4, padding=2, additional_layers=(12,))


@pytest.fixture(scope="session")
def trained():
    """Settings and weights of a model with an additional layer, after some epochs."""
    from aanntwin.config import Settings, TrainParams

    settings = Settings(
        dataset_name="digits", threads=1, model_params=SMALL, train_params=TrainParams(lr=0.01, batch_size=4)
    )
    return settings, train(settings, 12)


@pytest.fixture
def weight_file(trained, tmp_path):
    settings, weights = trained
    path = tmp_path / "weights.safetensors"
    save_weights(path, weights, settings.model_params)
    return path


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
