"""The test bench of the tools: normalised images, on which many variants of a model are tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from aanntwin.config import Nonidealities, Settings
from aanntwin.data import brightness, load_split
from aanntwin.scripts.variants import Tested, Variant, evaluate_variants
from common.datasets import as_tensor
from common.devices import available_cores, resolve_device

if TYPE_CHECKING:
    from torch import Tensor

    from aanntwin.weights import Weights


class Bench:
    """Images of a data set, loaded and normalised once.

    Args:
        settings: data set, normalization, model's stride, padding and pool size, test's nonidealities, seed, device.
        train: use the training images, not the test images.
        most: use the first `most` images; 0 means all.

    Attributes:
        settings: as given.
        images: (N, C, H, W), normalised.
        labels: (N,).
    """

    def __init__(self, settings: Settings, *, train: bool, most: int = 0) -> None:
        from aanntwin.layers import Normalize

        self.settings = settings
        self._device = resolve_device(settings.device)
        pixels, labels = load_split(settings, train=train)
        last = most or len(pixels)
        n = settings.normalization
        scale = Normalize(n.min_out, n.max_out, n.min_in, n.max_in)
        self.images = scale(brightness(pixels[:last])).to(self._device)
        self.labels = as_tensor(labels[:last]).to(self._device)

    def test(self, variants: Sequence[Variant], *, advance: Callable[[int], None] = lambda images: None) -> Tested:
        """Test every variant; see `evaluate_variants`."""
        moved: dict[int, Tensor] = {}

        def on_device(weights: Mapping[str, Tensor]) -> Weights:
            return {name: moved.setdefault(id(w), w.to(self._device)) for name, w in weights.items()}

        return evaluate_variants(
            [Variant(on_device(v.weights), v.nonidealities, v.draw) for v in variants],
            self.settings.model_params,
            self.images,
            self.labels,
            seed=self.settings.seed,
            relu_after_conv_only=self.settings.compat == "published",
            threads=(self.settings.threads or available_cores()) if self._device.type == "cpu" else 1,
            advance=advance,
        )

    def test_weights(self, versions: Sequence[Weights]) -> Tested:
        """Test versions of the weights under the settings' nonidealities, all with the same draw of their noise."""
        return self.test([Variant(weights, self.settings.testing_nonidealities) for weights in versions])

    def test_nonidealities(self, weights: Weights, values: Sequence[Nonidealities], draws: int = 1) -> Tested:
        """Test weights under several nonidealities; variants are ordered by nonidealities, then by draw."""
        return self.test([Variant(weights, value, draw) for value in values for draw in range(draws)])
