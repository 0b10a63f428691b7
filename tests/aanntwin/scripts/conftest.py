"""Weight files of small models, trained for a moment on the bundled digits."""

import pytest

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
