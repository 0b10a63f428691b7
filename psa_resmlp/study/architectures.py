"""The shapes of the study: the 98 architectures, the notation `[4*4, 2*8]`, and their parameters.

parse("[4*4, 4*4, 2*8]").name          # "8*4,2*8": equal neighbours merge
parse("18*18").parameters("resmlp")    # 26632
ARCHITECTURES[0].name, len(ARCHITECTURES), len(ASYMMETRIC)    # "1*2048", 98, 30
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError
from common.inputs import shorten
from psa_resmlp.study.reading import text_of

INPUTS, CLASSES = 784, 10
FAMILIES = ("resmlp", "mlp")
FAMILY_TITLES = {"resmlp": "ResMLP", "mlp": "SimpleMLP"}
NOTATION = "count*width with both from 1 to 100000, such as [18*18] or [4*4, 2*8]"
_LARGEST = 100_000

_ONE_ROW = (2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2)
_TWO_ROWS = (939, 588, 354, 214, 115, 59, 30, 16, 8, 4)
_FOUR_ROWS = (632, 425, 280, 185, 119, 76, 47, 29, 17)
_SQUARES = (115, 91, 71, 56, 44, 35, *range(32, 0, -1))


@dataclass(frozen=True)
class Architecture:
    """Stacks of layers: `stacks` holds (count, width) pairs, with no two equal widths beside each other.

    In the family resmlp a layer is a residual block of two linears; in mlp it is one linear.
    """

    stacks: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """As tables show it: "18*18", or "4*4,2*8"."""
        return ",".join(f"{count}*{width}" for count, width in self.stacks)

    @property
    def folder(self) -> str:
        """As folders are named: "18x18", or "4x4-2x8"."""
        return "-".join(f"{count}x{width}" for count, width in self.stacks)

    @property
    def depth(self) -> int:
        """Number of layers or blocks."""
        return sum(count for count, _ in self.stacks)

    @property
    def width(self) -> int:
        """The largest width."""
        return max(width for _, width in self.stacks)

    @property
    def asymmetric(self) -> bool:
        """Whether it is one of the study's 30 designs that match no other's parameters."""
        return self in ASYMMETRIC

    def has_entry(self, family: str) -> bool:
        """Whether a layer that belongs to no block brings the image to the width of the first one (resmlp only)."""
        return family == "resmlp" and self.stacks[0][1] != INPUTS

    def linears(self, family: str) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of every linear layer in the order of the signal.

        resmlp has a linear wherever the width changes (before the first stack too, unless it is as wide as the image),
        two in every block, and the output; mlp has one in every layer, and the output.

        Raises:
            InputError: unknown family.
        """
        if family not in FAMILIES:
            raise InputError(f"family is {family!r}, allowed: {', '.join(FAMILIES)}")
        sizes: list[tuple[int, int]] = []
        before = INPUTS
        for count, width in self.stacks:
            if family == "mlp":
                sizes += [(before, width)] + [(width, width)] * (count - 1)
            else:
                sizes += [(before, width)] * (before != width) + [(width, width)] * (2 * count)
            before = width
        return (*sizes, (before, CLASSES))

    def parameters(self, family: str) -> int:
        """Number of weights and biases."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.linears(family))

    def __str__(self) -> str:
        return f"[{self.name.replace(',', ', ')}]"


def build(stacks: Iterable[tuple[int, int]]) -> Architecture:
    """An architecture from (count, width) pairs; neighbours of equal width merge.

    Raises:
        InputError: no pair, or a number outside 1 to 100000.
    """
    merged: list[tuple[int, int]] = []
    for count, width in stacks:
        if not (1 <= count <= _LARGEST and 1 <= width <= _LARGEST):
            raise InputError(f"architecture has the stack {count}*{width}, allowed: {NOTATION}")
        if merged and merged[-1][1] == width:
            count += merged.pop()[0]
        merged.append((count, width))
    if not merged:
        raise InputError(f"architecture has no layers, allowed: {NOTATION}")
    return Architecture(tuple(merged))


def parse(text: str) -> Architecture:
    """Read the notation; brackets and blanks may be left out, and x means * too.

    Raises:
        InputError: it is not that notation.
    """
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):
        inner = inner[1:-1]
    pairs = [re.fullmatch(r"\s*(\d{1,9})\s*[*x]\s*(\d{1,9})\s*", part, re.ASCII) for part in inner.split(",")]
    found = [(int(match[1]), int(match[2])) for match in pairs if match]
    if len(found) < len(pairs):
        raise InputError(f"architecture {shorten(repr(text))} cannot be read, allowed: {NOTATION}")
    return build(found)


def parse_list(text: str) -> list[Architecture]:
    """Architectures of one stack each with commas between them: "1*1024,18*18".

    Raises:
        InputError: one of them cannot be read.
    """
    return [parse(part) for part in text.split(",")]


def read_configurations(path: str | Path) -> list[Architecture]:
    """Architectures from a text file, one a line; empty lines and those that start with # are left out.

    Raises:
        InputError: the file is missing, empty, or has a line that cannot be read.
    """
    text = text_of(path, "list of architectures", f"one a line, {NOTATION}")
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                found.append(parse(line))
            except InputError as problem:
                raise InputError(f"{path}, line {number}: {problem}") from None
    if not found:
        raise InputError(f"list of architectures {path} is empty; one a line, {NOTATION}")
    return list(dict.fromkeys(found))


def chosen(config_file: Path | None) -> list[Architecture]:
    """Those of a file, or the study's 98."""
    return list(ARCHITECTURES) if config_file is None else read_configurations(config_file)


def get_asymmetric_models() -> list[str]:
    """Names of the 30 asymmetric architectures, in the study's order."""
    return [architecture.name for architecture in ASYMMETRIC]


def _deep(lengths: Sequence[int], width: int) -> Iterator[Architecture]:
    return (Architecture(((length, width),)) for length in lengths)


def _wide(depth: int, widths: Sequence[int]) -> Iterator[Architecture]:
    return (Architecture(((depth, width),)) for width in widths)


ASYMMETRIC = (*_deep(_FOUR_ROWS, 4), *_deep(_TWO_ROWS, 2), *_deep(_ONE_ROW, 1))
MATCHED = (
    *_wide(1, _ONE_ROW),
    *_wide(2, _TWO_ROWS),
    *_wide(4, _FOUR_ROWS),
    *(Architecture(((side, side),)) for side in _SQUARES),
)
ARCHITECTURES = (*MATCHED, *ASYMMETRIC)
