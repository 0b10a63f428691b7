"""Draw chips, and look at them (`nmos-chip draw|show`)."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from analog_nmos.cards.model_card import default_card_path, read_model_card
from analog_nmos.chips import Chip, Mismatch, draw_chip, load_chip
from analog_nmos.chips.die import Die
from analog_nmos.chips.draw import edges_digest
from analog_nmos.chips.figures import die_map, histograms, network_map, quantities
from analog_nmos.chips.table import describe, describe_meta
from analog_nmos.new_file import check_new_file
from analog_nmos.topology import Topology, find_topology
from common.cli import Parser, add_options, build, run_command, whole
from common.errors import InputError
from common.plotting import PLOT_FORMATS, save
from common.values import shorten

DESCRIPTION = """\
A chip says how each transistor of a network differs from the model card: an offset of its threshold voltage and a
factor on kp, in two circuits, of which one is solved free and one clamped. Draw one at random, or look at files (NPZ,
or CSV with the columns vto_free,vto_clamp,beta_free,beta_clamp and, if you like, edge; the two beta may be left out).

examples: nmos-chip draw --topology digits_8x8_dense_io_x1 --seed 7 --out chip7.npz
          nmos-chip draw --topology net.npz --vto-gradient 0.02 --pelgrom-vto 20 --out chip.npz
          nmos-chip show chip7.npz --out figures
          nmos-chip show measured.csv --topology net.npz --out figures --plot-format pdf
Each takes a second or two.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-chip`; see DESCRIPTION."""
    return run_command("nmos-chip", lambda: _work(_parser().parse_args(argv)))


def draw(arguments: argparse.Namespace) -> None:
    """Draw the chip that the options describe, write it to `out`, and print its numbers."""
    check_new_file(arguments.out, arguments.force)
    names = {field.name for field in dataclasses.fields(Mismatch)}
    mismatch = build(Mismatch, {name: value for name, value in vars(arguments).items() if name in names})
    topology, card = find_topology(arguments.topology), read_model_card(arguments.model_card)
    chip = draw_chip(topology, card, mismatch, arguments.seed)
    chip = dataclasses.replace(chip, meta={"topology": str(arguments.topology), **chip.meta})
    chip.save(arguments.out)
    print("\n".join([f"{arguments.out}: {_drawn(chip)}", *describe(chip)]))


def show(arguments: argparse.Namespace) -> None:
    """Print the numbers of every chip in `files`, and with `out` draw it into this folder."""
    _check_stems(arguments.files)
    topology = find_topology(arguments.topology) if arguments.topology else None
    chips = [load_chip(path, topology) for path in arguments.files]
    if arguments.out:
        try:
            arguments.out.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            reason = f"is not a folder and cannot be created ({problem.strerror})"
            raise InputError(f"--out {shorten(arguments.out)}: {reason}") from None
    for path, chip in zip(arguments.files, chips, strict=True):
        first, *table = describe(chip)
        print("\n".join([f"{path}: {first}", *table, describe_meta(chip)]))
        if arguments.out:
            _draw_figures(path, chip, topology, arguments)


def _draw_figures(path: Path, chip: Chip, topology: Topology | None, arguments: argparse.Namespace) -> None:
    title = f"{path.stem}: {chip.n_edges} edges"
    figures: dict[str, Callable[[], Any]] = {"histogram": partial(histograms, chip, title)}
    try:
        network = topology or _recorded(chip)
        for one in quantities(chip):
            figures[f"network_{one.name}"] = partial(network_map, one, network, path.stem)
    except InputError as reason:
        print(f"left out: map on the network: {reason}; name it with --topology")
    if _is_on_die(chip):
        figures["die"] = partial(die_map, chip, title)
    for name, make in figures.items():
        print(save(make(), arguments.out / f"{path.stem}_{name}", arguments.plot_format))


def _recorded(chip: Chip) -> Topology:
    """The network that the chip was drawn for.

    Raises:
        InputError: the file does not say for which, it is not there any more, or it is another one now.
    """
    name = chip.meta.get("topology")
    if not isinstance(name, str):
        raise InputError("the file does not say for which topology it is")
    topology = find_topology(name)
    if edges_digest(topology) != chip.meta.get("edges_digest") or topology.n_edges != chip.n_edges:
        raise InputError(f"topology {name} has other edges than when the chip was drawn")
    return topology


def _is_on_die(chip: Chip) -> bool:
    die = Die(chip.n_edges)
    return bool(chip.meta.get("die") == {"columns": die.columns, "rows": die.rows})


def _drawn(chip: Chip) -> str:
    meta, mismatch = chip.meta, chip.meta["mismatch"]
    text = f"seed {meta['seed']}, sigma {1e3 * meta['vto_sigma_V']:.4g} mV and {1e2 * meta['kp_sigma']:.4g} percent"
    if "gradient_angle_deg" in meta:
        gradients = f"{1e3 * mismatch['vto_gradient']:.4g} mV and {1e2 * mismatch['kp_gradient']:.4g} percent"
        text += f", gradient {gradients} at {meta['gradient_angle_deg']:.1f} degrees"
    return text


def _check_stems(paths: Sequence[Path]) -> None:
    """Figures have the names of their chips without folders and endings."""
    stems = [path.stem for path in paths]
    for path, stem in zip(paths, stems, strict=True):
        if stems.count(stem) > 1:
            raise InputError(f"{path}: two of these files are called {stem}, and so would their figures be")


def _work(arguments: argparse.Namespace) -> int:
    ACTIONS[arguments.action][1](arguments)
    return 0


def _parser() -> Parser:
    parser = Parser(prog="nmos-chip", description=DESCRIPTION)
    actions = parser.add_subparsers(title="actions", dest="action", required=True, metavar="|".join(ACTIONS))
    for name, (text, _, add_arguments) in ACTIONS.items():
        add_arguments(actions.add_parser(name, help=text, description=text))
    return parser


def _draw_arguments(parser: argparse.ArgumentParser) -> None:
    needed = parser.add_argument_group("What is drawn")
    needed.add_argument(
        "--topology", type=Path, required=True, metavar="FILE", help="NPZ file of a network, or a shipped one's name"
    )
    needed.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file to write: .npz, or .csv (no meta)"
    )
    needed.add_argument("--seed", type=whole(0), default=0, metavar="N", help="seed of the draw (default: 0)")
    needed.add_argument(
        "--model-card",
        type=Path,
        default=default_card_path(),
        metavar="FILE",
        help="SPICE model card, for its W and L (default: the shipped ALD1106)",
    )
    needed.add_argument("--force", action="store_true", help="replace FILE if it exists (default: refuse)")
    add_options(parser, Mismatch)
    parser.usage = "%(prog)s --topology FILE --out FILE [options]"


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="NPZ or CSV files of chips")
    parser.add_argument(
        "--topology",
        type=Path,
        metavar="FILE",
        help="the network for which they are: checked, and drawn (default: the one that the file names)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="draw histograms, and maps of the network and of the die, into this folder",
    )
    parser.add_argument("--plot-format", choices=PLOT_FORMATS, default="png", help="format of figures (default: png)")


ACTIONS: dict[str, tuple[str, Callable[[argparse.Namespace], None], Callable[[argparse.ArgumentParser], None]]] = {
    "draw": ("draw a chip at random and write its file", draw, _draw_arguments),
    "show": ("print the numbers of chips, and draw them", show, _show_arguments),
}


if __name__ == "__main__":
    sys.exit(main())
