"""Power, settling time and energy of a finished run's network (`nmos-energy`)."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analog_nmos.backends import BACKENDS
from analog_nmos.deployment.energy import RunEnergy, energy_of
from analog_nmos.deployment.trained import Trained, load_trained
from analog_nmos.energy import figures
from analog_nmos.energy.options import CapacitanceOptions
from analog_nmos.energy.report import as_csv, table
from common.cli import Parser, add_options, build, option, run_command
from common.errors import InputError
from common.plotting import PLOT_FORMATS, drawn_or_warned, save
from common.progress import Progress
from common.runs.files import plain, write_json, write_text
from common.runs.folder import make_writable

PROG = "nmos-energy"
DESCRIPTION = """\
What the network of a finished run costs, with the gates of one of its epochs: for test samples the power that all
sources deliver, the time until the outputs have settled after a step of an input, and the energy of an inference (both
multiplied); for training samples the energy of an update (free phase, clamped phase, and writing the gates). Settling
times follow from the linearised circuit and its capacitances: those of the model card (the shipped one has none) and
those stated here; 1 percent of the final change is left then, of whichever input takes longest of those that matter.

examples: nmos-energy results/analog_nmos/latest
          nmos-energy RUN --node-cap 5e-12 --gate-cap 1e-12 --samples 20 --out costs
In --out: energy.csv (a line for each test sample), energy_updates.csv (training samples), energy_edges.csv
(transistors), energy.json (means, and what was done), and the figure energy. docs/energy.md has the definitions.
"""
JSON, FIGURE = "energy.json", "energy"
ROWS = ("energy.csv", "energy_updates.csv", "energy_edges.csv")


@dataclass(frozen=True, kw_only=True)
class CommandOptions(CapacitanceOptions):
    """Samples and results"""

    epoch: str = option("selected", "whose gates: selected, last, or the number of an epoch")
    samples: int = option(100, "test samples, and as many training samples; fewer where there are not as many", low=1)
    backend: str | None = option(None, "circuit solver (default: the run's)", choices=BACKENDS)
    out: Path | None = option(None, "folder for results (default: energy in the folder of the run)")
    force: bool = option(False, "replace results of an earlier call (default: refuse)")
    plot_format: str = option("png", "format of the figure", choices=PLOT_FORMATS)
    quiet: bool = option(False, "print nothing but errors")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-energy`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    add_options(parser, CommandOptions)
    parser.usage = "%(prog)s RUN [options]"
    given = vars(parser.parse_args(argv))
    folder = given.pop("run")
    return run_command(PROG, lambda: run(folder, build(CommandOptions, given)))


def run(folder: Path, options: CommandOptions) -> int:
    """Measure, print a table, and write results; returns 0.

    Raises:
        InputError: the run is missing, damaged or of a card that is not modelled, or results would be replaced.
        RunError: no operating point converged, or a network does not settle.
    """
    out = options.out or folder / "energy"
    if (out / JSON).exists() and not options.force:
        raise InputError(f"--out {out}: holds results already; name another folder, or replace them with --force")
    trained = load_trained(folder, options.epoch, options.backend)
    known = (len(trained.replica.data.test.y), len(trained.replica.data.train.y))
    with Progress(sum(min(options.samples, one) for one in known), quiet=options.quiet) as progress:
        progress.describe(trained.name)
        found = energy_of(trained, options, options.samples, progress.advance)
    out = make_writable(out, "--out", "name a folder that can be written")
    for path in [out / JSON, *(out / name for name in ROWS), *(out / f"{FIGURE}.{one}" for one in PLOT_FORMATS)]:
        path.unlink(missing_ok=True)  # of an earlier call, with another format of the figure perhaps
    _write(trained, found, options, out)
    with drawn_or_warned("the same command with --force"):
        save(_figure(found), out / FIGURE, options.plot_format)
    if not options.quiet:
        print(
            f"{_title(trained, found, options)}\n{table(_lines(found))}\nwritten to {out}: {', '.join((*ROWS, JSON))}"
        )
    return 0


def _lines(found: RunEnergy) -> list[tuple[str, NDArray[np.float64], str]]:
    inference, updates = found.inference.costs, found.updates
    return [
        ("inference: power", inference.power.total_W, "W"),
        ("inference: settling time", inference.settling_s, "s"),
        ("inference: energy", inference.energy_J, "J"),
        ("update: power of the free phase", updates.free_W, "W"),
        ("update: settling time of the free phase", updates.free_s, "s"),
        ("update: power of the clamped phase", updates.clamped_W, "W"),
        ("update: settling time of the clamped phase", updates.clamped_s, "s"),
        ("update: writing the gates", updates.writing_J, "J"),
        ("update: energy", updates.energy_J, "J"),
    ]


def _title(trained: Trained, found: RunEnergy, options: CommandOptions) -> str:
    from analog_nmos.energy.capacitances import used

    done = (found.inference.sample.size, found.updates.sample.size)
    failed = sum(found.asked) - sum(done)
    text = f"{trained.name}: gates of epoch {trained.epoch}, {trained.gates.gate_V.size} transistors, "
    text += f"{done[0]} test samples ({trained.metric} {found.inference.answer.mean():.4g}), {done[1]} training samples"
    return text + f"; {failed} left out, as they did not converge" * (failed > 0) + f"\n{used(trained.card, options)}"


def _write(trained: Trained, found: RunEnergy, options: CommandOptions, out: Path) -> None:
    for name, text in zip(ROWS, _csvs(trained, found), strict=True):
        write_text(out / name, text)
    means = {f"{name.replace(': ', ' ')} ({unit})": _mean(values) for name, values, unit in _lines(found)}
    settings: dict[str, Any] = plain(dataclasses.asdict(options))
    facts = {"folder": os.path.abspath(trained.folder), "epoch": trained.epoch, "backend": trained.config.backend}
    write_json(out / JSON, {"options": settings, **facts, "means": means})


def _mean(values: NDArray[np.float64]) -> float | None:
    return None if np.isnan(values).all() else float(np.nanmean(values))


def _csvs(trained: Trained, found: RunEnergy) -> list[str]:
    inference, updates, topology = found.inference, found.updates, found.network.topology
    power = inference.costs.power
    samples: dict[str, NDArray[Any]] = {"sample": inference.sample, "power_W": power.total_W, **power._asdict()}
    samples.pop("edges_W")
    samples |= {"settling_s": inference.costs.settling_s, "energy_J": inference.costs.energy_J}
    samples[trained.metric] = inference.answer
    edges: dict[str, NDArray[Any]] = {
        "edge": trained.gates.edge_uid,
        "drain": topology.edges_D,
        "source": topology.edges_S,
    }
    edges |= {"gate_V": found.network.gate_V, "power_W": power.edges_W.mean(axis=0)}
    return [as_csv(samples), as_csv({**updates._asdict(), "energy_J": updates.energy_J}), as_csv(edges)]


def _figure(found: RunEnergy) -> Any:
    costs = found.inference.costs
    return figures.energy_figure(
        costs.settling_s, costs.energy_J, costs.power.edges_W.mean(axis=0), found.network.gate_V
    )


if __name__ == "__main__":
    sys.exit(main())
