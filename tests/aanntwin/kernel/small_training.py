"""Train and test some images with every nonideality, and write the numbers: python small_training.py OUT.npz"""

import sys

import numpy as np

from aanntwin.compiled_model import CompiledModel
from aanntwin.config import ModelParams, Nonidealities, Settings, TrainParams

CIRCUIT = Nonidealities(
    input_noise=0.1, conv2d_input_clip=0.9, conv2d_input_nonlin=(0.01, 1.0, -0.1), conv2d_out_noise=0.05,
    relu_cutoff=0.02, relu_out_noise=0.05, linear_input_clip=1.2, linear_input_nonlin=(0.0, 1.0, 0.05),
    linear_out_noise=0.05,
)  # fmt: skip
RATES = {
    "single": TrainParams(lr=0.01),
    "batch": TrainParams(batch_size=6, lr=0.05, momentum=0.5, weight_decay=0.01),
}


def main(out):
    random = np.random.default_rng(4)
    images, labels = random.integers(0, 256, (12, 28 * 28), np.uint8), random.integers(0, 10, 12)
    params = ModelParams(
        conv_out_channels=3, kernel_size=5, stride=3, padding=2, pool_size=2, additional_layers=(7,)
    )  # fmt: skip
    found = {}
    for name, rates in RATES.items():
        settings = Settings(model_params=params, training_nonidealities=CIRCUIT, train_params=rates)
        model = CompiledModel(settings, CIRCUIT, "training")
        start = {key: 0.2 * random.normal(size=value.shape) for key, value in model.weights().items()}
        model.load(start)
        found[f"{name} loss"] = model.train(images, labels, np.arange(12), 0, 12, 1)
        parts = {"weights": model.weights(), "velocity": model.velocity(), "start": start}
        for part, values in parts.items():
            found |= {f"{name} {part} {key}": value for key, value in values.items()}
        found[f"{name} losses"], found[f"{name} guesses"] = model.test(images, labels)
    np.savez(out, **found)


if __name__ == "__main__":
    main(sys.argv[1])
