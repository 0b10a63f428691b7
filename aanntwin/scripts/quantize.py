"""Quantise the weights of a model file (`aanntwin-quantize`).

    aanntwin-quantize in.safetensors out.safetensors 4 2.5 3 2.5

quantises the convolution's weights to a sign and 4 bits and the linear layers' to a sign and 3 bits, with full scales
of 2.5 standard deviations, in a second.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aanntwin.options import check_target
from aanntwin.quantization import MOST_BITS, full_scale_of, quantize, step_of
from aanntwin.scripts.layout import table
from aanntwin.scripts.source import number
from aanntwin.weights import layer_names, load_model, save_weights
from common.cli import Parser, run_command, whole
from common.errors import InputError

if TYPE_CHECKING:
    from aanntwin.weights import Weights

PROG = "aanntwin-quantize"
DESCRIPTION = """\
Quantise the weights of a model file; biases stay as they are. Every layer has its own full scale, given in
standard deviations of its weights. Levels lie at (n + 1/2) steps of full scale / 2^bits, or at n steps (--with_zero).

example: aanntwin-quantize in.safetensors out.safetensors 4 2.5 3 2.5
"""
HEADER = ("layer", "bits", "full scale", "step", "levels used", "clipped", "rms error")


@dataclass(frozen=True)
class Levels:
    """How one kind of layer is quantised: bits without the sign, and the full scale in standard deviations."""

    bits: int
    deviations: float


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("input", type=Path, metavar="IN", help="weights to read")
    parser.add_argument(
        "output", type=Path, metavar="OUT", help="weights to write (.pth as PyTorch does, else safetensors)"
    )
    for layer, title in (("conv", "the convolution's"), ("linear", "the linear layers'")):
        add = parser.add_argument
        add(
            f"{layer}_bits",
            type=whole(0),
            metavar=f"{layer}_bits",
            help=f"bits of {title} weights, the sign not counted",
        )
        text = f"full scale of {title} weights [standard deviations]"
        add(f"{layer}_ref", type=number(0, above=True), metavar=f"{layer}_ref", help=text)
    parser.add_argument("--with-zero", action="store_true", help="mid-tread: zero is a level (default: mid-rise)")
    given = parser.parse_args(argv)
    conv, linear = Levels(given.conv_bits, given.conv_ref), Levels(given.linear_bits, given.linear_ref)
    return run_command(PROG, lambda: run(given.input, given.output, conv, linear, with_zero=given.with_zero))


def run(source: Path, target: Path, conv: Levels, linear: Levels, *, with_zero: bool = False) -> int:
    """Quantise a file into another, or into itself, and print what was done to each layer; returns 0."""
    check_target(target)
    weights, params = load_model(source)
    quantised, rows = quantize_weights(weights, conv, linear, with_zero=with_zero)
    save_weights(target, quantised, params)
    sys.stdout.write(table(HEADER, rows))
    print(f"weights in {target}")
    return 0


def quantize_weights(
    weights: Weights, conv: Levels, linear: Levels, *, with_zero: bool = False
) -> tuple[Weights, list[list[str]]]:
    """New weights with every layer's weight tensor quantised, and the cells of a table.

    Raises:
        InputError: too many bits, or the weights of a layer do not differ.
    """
    if (bits := max(conv.bits, linear.bits)) > MOST_BITS:
        raise InputError(f"bits are {bits}, allowed: whole numbers from 0 to {MOST_BITS}, the sign not counted")
    changed, rows = dict(weights), []
    for layer in layer_names(weights):
        levels, tensor = conv if layer == "conv2d" else linear, weights[f"{layer}_weight"]
        full_scale = full_scale_of(tensor, levels.deviations, f"{layer}_weight")
        found = quantize(tensor, levels.bits, full_scale, with_zero=with_zero)
        clipped = float((tensor.abs() > full_scale).double().mean())
        error = float((found.double() - tensor.double()).square().mean().sqrt())
        numbers = [
            f"{full_scale:.6g}",
            f"{step_of(levels.bits, full_scale):.6g}",
            str(len(set(found.flatten().tolist()))),
        ]
        rows.append([layer, str(levels.bits), *numbers, f"{100 * clipped:.2f}%", f"{error:.4g}"])
        changed[f"{layer}_weight"] = found
    return changed, rows


def quantize_kind(weights: Weights, kind: str, levels: Levels, *, with_zero: bool = False) -> Weights:
    """New weights with only the convolution (conv) or only the linear layers (linear) quantised; the rest is shared."""
    changed = dict(weights)
    for name in [f"{layer}_weight" for layer in layer_names(weights) if (layer == "conv2d") == (kind == "conv")]:
        scale = full_scale_of(weights[name], levels.deviations, name)
        changed[name] = quantize(weights[name], levels.bits, scale, with_zero=with_zero)
    return changed


if __name__ == "__main__":
    sys.exit(main())
