"""The network: Normalize, Conv2d, ReLU, MaxPool2d, Flatten, [Linear, ReLU].., Linear, with the circuit's effects."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from aanntwin.config import ModelParams, Nonidealities, Normalization, Settings
from aanntwin.layers import Conv2d, Effects, Linear, NoiseSource, Normalize, TorchNoise
from aanntwin.shapes import check_weights
from aanntwin.signal_path import CONV, LAST, linear_names, path
from aanntwin.sizes import derive

Weights = dict[str, Tensor]


class Model(nn.Module):
    """The twin as a PyTorch module. Input (B, C, H, W) with 1 for full brightness; output (B, classes) logits.

    Args:
        params: the network's shape.
        image_shape: channels, height and width.
        nonidealities: of the circuit; None for an ideal one.
        normalization: of the pixels.
        seed: of the initial weights.
        compat: "published" keeps relu_cutoff and relu_out_noise off the additional layers.
        noise: source of standard normal numbers; None for torch's generators.

    Raises:
        InputError: the sizes do not fit.
    """

    def __init__(
        self,
        params: ModelParams,
        image_shape: tuple[int, int, int],
        nonidealities: Nonidealities | None = None,
        normalization: Normalization | None = None,
        *,
        seed: int = 0,
        compat: str | None = None,
        noise: NoiseSource | None = None,
    ) -> None:
        super().__init__()
        self.sizes = derive(params, image_shape)
        self.noise = noise or TorchNoise(seed)
        circuit, scale = nonidealities or Nonidealities(), normalization or Normalization()
        # Drawn in the published program's order from the same generator, so that the same seed gives the same weights.
        generator = torch.Generator().manual_seed(seed)
        stages = path(len(params.additional_layers))

        def effects_of(name: str, sites: tuple[str, ...]) -> Effects:
            ideal = compat == "published" and stages[name].hidden
            return Effects(name, (Nonidealities() if ideal else circuit).acting(*sites), self.noise)

        def ends(name: str) -> tuple[Effects, Effects]:
            return effects_of(name, stages[name].entry), effects_of(name, stages[name].exit)

        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["normalize"] = Normalize(scale.min_out, scale.max_out, scale.min_in, scale.max_in)
        layers["input_noise"] = ends("input")[1]
        channels = (self.sizes.in_channels, params.conv_out_channels)
        layers[CONV] = Conv2d(channels, params.kernel_size, params.stride, params.padding, *ends(CONV), generator)
        layers[f"{CONV}_relu"] = ends(f"{CONV}_relu")[1]
        # Pooling over one element takes torch ten times as long as a copy.
        layers["maxpool2d"] = nn.MaxPool2d(params.pool_size) if params.pool_size > 1 else nn.Identity()
        layers["flatten"] = nn.Flatten()
        names = linear_names(len(params.additional_layers))
        for name, inputs, outputs in zip(names, self.sizes.widths[:-1], self.sizes.widths[1:], strict=True):
            layers[name] = Linear(inputs, outputs, *ends(name), generator)
            if name != LAST:
                layers[f"{name}_relu"] = ends(f"{name}_relu")[1]
        self.layers = nn.Sequential(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, classes) of images (B, C, H, W)."""
        return self.layers(x)  # type: ignore[no-any-return]

    def weights(self) -> Weights:
        """Copies of all parameters on the CPU, by their names on file."""
        return {_file_name(name): value.detach().cpu().clone() for name, value in self.named_parameters()}

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Set parameters by their names on file.

        Raises:
            InputError: names or shapes differ from the model's.
        """
        own = {_file_name(name): value for name, value in self.named_parameters()}
        check_weights(weights, {name: tuple(value.shape) for name, value in own.items()})
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(weights[name])


def build_model(
    settings: Settings, nonidealities: Nonidealities | None = None, noise: NoiseSource | None = None
) -> Model:
    """The model of settings, with its initial weights; the nonidealities are those of training if none are given."""
    return Model(
        settings.model_params, settings.image_shape, nonidealities or settings.training_nonidealities,
        settings.normalization, seed=settings.seed, compat=settings.compat, noise=noise,
    )  # fmt: skip


def _file_name(name: str) -> str:
    return name.removeprefix("layers.").replace(".", "_")
