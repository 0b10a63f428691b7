"""scikit-learn's 8x8 digits as input voltages, split as the published runs split them."""

from __future__ import annotations

from dataclasses import dataclass

from analog_nmos.data.split import Data, Split
from common.digits import digits_images
from common.errors import InputError
from common.stratified import stratified_split

CLASSES = tuple("0123456789")


@dataclass(frozen=True, eq=False)
class Digits(Data):
    """Training, validation and test parts of the digits."""

    classes: tuple[str, ...] = CLASSES
    name: str = "sklearn_digits"
    input_shape: tuple[int, ...] = (8, 8)

    @property
    def chance(self) -> float:
        """All digits are equally frequent, give or take a few."""
        return 1 / len(self.classes)

    @property
    def needs(self) -> str:
        """See `Data.needs`."""
        return "the digits need"


def load_digits(
    seed: int, vmin: float, vmax: float, *, val_split: float = 0.0, train_limit: int = 0, test_limit: int = 0
) -> Digits:
    """Digits with pixels 0..16 mapped to [vmin, vmax] volts, 80 percent for training, stratified by digit.

    Args:
        seed: random_state of the split.
        vmin, vmax: voltage of an empty and of a full pixel.
        val_split: share of the training part that is kept for validation.
        train_limit, test_limit: cut each part after the split; 0 keeps all.

    Raises:
        InputError: val_split leaves a class without samples.
    """
    images, y = digits_images()
    x_V = vmin + (vmax - vmin) * (images.reshape(len(images), -1) / 16.0)
    first, second = stratified_split(y, 0.2, seed)
    train_x, test_x, train_y, test_y = x_V[first], x_V[second], y[first], y[second]
    test = Split(test_x, test_y).first(test_limit)
    val = test
    if val_split:
        try:
            kept, held_out = stratified_split(train_y, val_split, seed)
        except ValueError as problem:
            raise InputError(f"--val-split {val_split:g}: {problem}") from None
        val = Split(train_x[held_out], train_y[held_out])
        train_x, train_y = train_x[kept], train_y[kept]
    return Digits(Split(train_x, train_y).first(train_limit), val, test)
