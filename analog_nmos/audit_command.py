"""How far a learning rule's updates are from the gradient, taken apart (`nmos-audit`)."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from analog_nmos.audit import figures, report
from analog_nmos.audit.options import EVERY, AuditOptions
from analog_nmos.audit.study import Audited, Study
from analog_nmos.audit.table import lines_of
from analog_nmos.deployment.trained import NAMED, Trained, at_epoch, load_trained
from analog_nmos.figures.run_files import RunFiles
from common.cli import Parser, add_options, build, run_command
from common.errors import InputError
from common.plotting import PLOT_FORMATS, drawn_or_warned, save
from common.progress import Progress
from common.runs.files import atomic_writer, plain, write_json, write_text
from common.runs.folder import make_writable

PROG = "nmos-audit"
DESCRIPTION = """\
Compare the update that a learning rule makes with the negative gradient of the loss, sample by sample, at the gates of
a run's epochs. What is between them is taken apart, one step after the other: rule (as the run makes it, before terms,
optimizer and noise), small nudge (in place of a finite one), injected (currents -b dC/dO in place of the clamp),
co-content (the exact quantity in place of the rule's own), adjoint (the gradient; what is left before it is that
transistors are not reciprocal). Runs may have been stopped, or be running still.

examples: nmos-audit results/analog_nmos/latest --epochs all
          nmos-audit RUN --epochs 0,last --rules all
          nmos-audit RUN --backend ngspice --samples 20
In --out: audit.csv (a line for each epoch, sample, rule and component; sample `all` is the sum), audit.npz (for each
transistor), audit.json (what was done), a figure. Ratios are lengths over that of a linear network's update.
"""
CSV, NPZ, JSON, FIGURE = "audit.csv", "audit.npz", "audit.json", "audit"
OF_RULE = ("rule", "phases", "quantity", "nudge_mode", "nudge_conductance")  # options


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-audit`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs")
    add_options(parser, AuditOptions)
    parser.usage = "%(prog)s RUN [RUN ...] [options]"
    given = vars(parser.parse_args(argv))
    runs = given.pop("runs")
    return run_command(PROG, lambda: run(runs, build(AuditOptions, given)))


def run(folders: Sequence[Path], options: AuditOptions) -> int:
    """Audit runs, print a table for each, and write results; returns 0.

    Args:
        folders: of the runs.
        options: checked ones.

    Raises:
        InputError: a run or an epoch is missing or damaged, native does not model its card, or results would be
            replaced.
        RunError: a state with voltages far outside of what transistors are made for.
    """
    studies = [_study(folder, options) for folder in folders]
    outs = _folders(folders, options)
    for study, out in zip(studies, outs, strict=True):
        make_writable(out, "--out", "name a folder that can be written")
        for name in (CSV, NPZ, JSON, *(f"{FIGURE}.{ending}" for ending in PLOT_FORMATS)):
            (out / name).unlink(missing_ok=True)
        with Progress(study.units, quiet=options.quiet) as progress:
            progress.describe(study.name)
            found = list(study.audited(progress.advance))
        table = _write(study, found, out)
        if not options.quiet:
            print(table)
    return 0


def _study(folder: Path, options: AuditOptions) -> Study:
    names = options.epochs
    trained = load_trained(folder, names[0] if names[0] in NAMED else "last", options.backend, unfinished=True)
    epochs: dict[int, Trained] = {}
    for name in names:
        if name == EVERY:
            found = [at_epoch(trained, number) for number in RunFiles(folder).vg_epochs]
        elif name == names[0] and name in NAMED:
            found = [trained]
        elif name in NAMED:
            found = [load_trained(folder, name, options.backend, unfinished=True)]
        else:
            found = [at_epoch(trained, int(name))]
        epochs |= {one.epoch: one for one in found if one.epoch not in epochs}
    return Study(trained.name, trained, [epochs[number] for number in sorted(epochs)], options)


def _folders(folders: Sequence[Path], options: AuditOptions) -> list[Path]:
    """Where the results of each run go.

    Raises:
        InputError: there are results already, or two runs would have one folder.
    """
    outs = [folder / "audit" for folder in folders]
    if options.out is not None:
        names = [folder.resolve().name for folder in folders]
        outs = [options.out] if len(folders) == 1 else [options.out / name for name in names]
    for place, out in enumerate(outs):
        if out in outs[:place]:
            raise InputError(f"run folder {folders[place]}: its results would lie in {out}, as those of another run")
        if (out / JSON).exists() and not options.force:
            raise InputError(f"--out {out}: holds results already; name another folder, or replace them with --force")
    return outs


def _write(study: Study, found: Sequence[Audited], out: Path) -> str:
    """Write everything; returns what is printed."""
    lines = [line for one in found for line in lines_of(one)]
    write_text(out / CSV, report.lines_csv(lines))
    with atomic_writer(out / NPZ) as stream:
        np.savez(stream, **report.arrays_of(found, study.trained.replica.start.n_edges))
    files = [CSV, NPZ, JSON]
    if lines:
        with drawn_or_warned("the same command with --force"):
            files.append(save(figures.audit_figure(lines), out / FIGURE, study.options.plot_format).name)
    write_json(out / JSON, _facts(study, found))
    return f"{report.overview(study.name, found, lines)}\nwritten to {out}: {', '.join(files)}"


def _facts(study: Study, found: Sequence[Audited]) -> dict[str, Any]:
    """audit.json: options, the run, and for each epoch how many samples were compared."""
    settings: dict[str, Any] = plain(dataclasses.asdict(study.options))
    counts = [
        {"epoch": one.epoch, "compared": one.sample.size, "skipped": one.skipped, "failed": one.failed} for one in found
    ]
    rules = {one.name: {name: getattr(one.config, name) for name in OF_RULE} for one in study.rules}
    trained = study.trained
    return {
        "options": settings, "folder": os.path.abspath(trained.folder), "backend": trained.config.backend,
        "rules": rules, "epochs": counts, "scale_V2": found[0].scale_V2,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
