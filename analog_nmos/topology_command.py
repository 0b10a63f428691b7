"""Make, prune, describe and draw topologies (`nmos-topology build|prune|info|show`)."""

from __future__ import annotations

import argparse
import inspect
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from analog_nmos import topology_actions
from analog_nmos.topology.shapes import SHAPES
from common.cli import Parser, add_options, run_command
from common.errors import InputError
from common.plugins import is_own
from common.values import integer, number, shown

DESCRIPTION = """\
Make, prune, describe and draw networks of transistors (NPZ files). Inputs, outputs and copies count from 0.

examples: nmos-topology build dense dense.npz
          nmos-topology build layered deep.npz --layers 64,20,10 --rails hidden
          nmos-topology build torus xor.npz --side 4
          nmos-topology prune dense.npz pruned.npz --pairs "0,3;7,9"
          nmos-topology info pruned.npz
          nmos-topology show pruned.npz --out figures --plot-format pdf
Each takes a second or two.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-topology`; see DESCRIPTION."""
    words = with_shape(list(sys.argv[1:] if argv is None else argv))
    return run_command("nmos-topology", lambda: _work(_parser(words).parse_args(words)))


def with_shape(words: list[str]) -> list[str]:
    """The words with the shape that `build OUT.npz` leaves out: before there were others, it was dense."""
    named = len(words) > 2 and not words[1].startswith("-") and not words[2].startswith("-")  # a shape and a file
    if words[:1] != ["build"] or named or words[1:2] in ([], ["-h"], ["--help"]) or words[1] in SHAPES:
        return words
    return ["build", "dense", *words[1:]]


def _work(arguments: argparse.Namespace) -> int:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(topology_actions, arguments.action)(arguments)
    for warning in caught:  # one line, without our source code
        print(f"warning: {warning.message}", file=sys.stderr)
    return 0


def _parser(words: Sequence[str]) -> Parser:
    parser = Parser(prog="nmos-topology", description=DESCRIPTION)
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="build|prune|info|show")
    own = [word for word in words[1:2] if is_own(word)]
    for name, (text, add_arguments) in ACTIONS.items():
        add_arguments(actions.add_parser(name, help=text, description=text), own)
    return parser


def _build(parser: argparse.ArgumentParser, own: Sequence[str]) -> None:
    """A parser for each shape, whose fields are its options; `own` names one of the user's."""
    names = "|".join([*SHAPES, "package.module:Name"])
    shapes = parser.add_subparsers(title="shapes", dest="shape", required=True, metavar=names)
    for name in (*SHAPES, *own):
        shape = SHAPES.get(name)
        text = inspect.getdoc(shape) or name
        one = shapes.add_parser(name, help=text.splitlines()[0], description=text)
        one.add_argument("out", type=Path, metavar="OUT.npz", help="file to write")
        add_options(one, shape)
        one.usage = "%(prog)s OUT.npz [options]"
        _force(one)


def _prune(parser: argparse.ArgumentParser, own: Sequence[str]) -> None:
    parser.add_argument("file", type=Path, metavar="IN.npz", help="network to start from")
    parser.add_argument("out", type=Path, metavar="OUT.npz", help="file to write")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--pairs", type=_rows(2), metavar="I,K;...", help="all edges from input I to output K")
    which.add_argument("--copies-of", type=_rows(3), metavar="I,K,C;...", help="copy C of the edges from I to K")
    which.add_argument("--flat", type=_numbers, metavar="N,...", help="all edges of the pair N = I * outputs + K")
    which.add_argument("--vg-below", type=_volts, metavar="X", help="edges with a gate voltage below this [V]")
    parser.add_argument(
        "--gate-voltages", type=Path, metavar="VG.npy", help="file with the voltages of all edges [V], for --vg-below"
    )
    _force(parser)


def _info(parser: argparse.ArgumentParser, own: Sequence[str]) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="NPZ file of a network")


def _show(parser: argparse.ArgumentParser, own: Sequence[str]) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="NPZ file of a network")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: .)")
    parser.add_argument(
        "--plot-format", choices=("png", "pdf", "svg"), default="png", help="format of the files (default: png)"
    )


def _force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="replace OUT.npz if it exists (default: refuse)")


ACTIONS: dict[str, tuple[str, Callable[[argparse.ArgumentParser, Sequence[str]], None]]] = {
    "build": ("write a network of a shape", _build),
    "prune": ("write a network without the edges that one of four options names", _prune),
    "info": ("print counts, degrees, parallel edges, isolated nodes and the meta", _info),
    "show": ("draw the connections of each output as an image, and the network as a graph", _show),
}


def _numbers(text: str) -> list[int]:
    try:
        return [integer(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a list of whole numbers such as 3,17") from None


def _rows(width: int) -> Callable[[str], list[list[int]]]:
    example = ";".join(",".join(map(str, range(start, start + width))) for start in (0, 4))

    def convert(text: str) -> list[list[int]]:
        try:
            rows = [_numbers(row) for row in text.split(";") if row.strip()]
        except argparse.ArgumentTypeError:
            rows = []
        if not rows or any(len(row) != width for row in rows):
            raise argparse.ArgumentTypeError(
                f"{shown(text)} is not a list of {width} numbers each, such as {example!r}"
            )
        return rows

    return convert


def _volts(text: str) -> float:
    try:
        return number(text)
    except InputError:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a voltage such as 0.6") from None


if __name__ == "__main__":
    sys.exit(main())
