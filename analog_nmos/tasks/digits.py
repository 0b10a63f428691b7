"""The digits as the published trainers take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analog_nmos.digits.options import DigitsOptions
from analog_nmos.tasks.base import Task, preset


@dataclass(frozen=True, kw_only=True)
class Digits(DigitsOptions, Task):
    """8x8 digits with the split, the network and the defaults of nmos-dense, on the native solver"""

    word: ClassVar[str] = "digits"

    backend: str = preset(Task, "backend", "native")
