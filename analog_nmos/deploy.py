"""Deploy trained gates on chips that they have not seen (`nmos-deploy`)."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analog_nmos.deployment import figures, report
from analog_nmos.deployment.fleet import Fleet, digest, facts, fleet
from analog_nmos.deployment.measure import draw_seed
from analog_nmos.deployment.options import DeployOptions
from analog_nmos.deployment.study import Row, Study
from analog_nmos.deployment.trained import load_trained
from common.cli import Parser, add_options, build, run_command
from common.errors import InputError
from common.plotting import PLOT_FORMATS, drawn_or_warned, save
from common.progress import Progress
from common.runs.files import plain, write_json, write_text
from common.runs.folder import make_writable

PROG = "nmos-deploy"
DESCRIPTION = """\
Test the gates of finished runs on chips that they were not trained on: on each chip's first circuit, with noise of
readings and writings. Beside them always ideal transistors, and the chip that the run was trained on. Curves over the
strength of mismatch and of read noise; with several runs a matrix of runs and chips; training on the chips from the
deployed gates (--repair-epochs), which says how much of the loss it repairs.

examples: nmos-deploy results/analog_nmos/latest --chips 'chips/*.npz' --read-noise 0.5%
          nmos-deploy RUN --draw-chips 5 --scales 0.2,0.5,1,2,5,10,20,30,40,50 --without-kp
              (accuracy over mismatch with five chips of 1x: half a minute for 1,280 transistors)
          nmos-deploy RUN --read-noises 0,0.002,0.005,0.01,0.02,0.05
          nmos-deploy RUN_A RUN_B --chips a.npz b.npz --out matrix
          nmos-deploy RUN --chips chip7.npz --repair-epochs 5
Intervals are 95 percent: Student's t over chips and draws of noise, which all chips share; where there is a single
measurement of an accuracy Wilson's over test samples. In --out: deploy.csv (a line for each
measurement), deploy.json (what was done), scales.csv, read_noises.csv, matrix.csv, figures of these names, and repair.
"""
Found = dict[str, tuple[Study, Sequence[Row]]]
JSON, ROWS, MATRIX, REPAIR = "deploy.json", "deploy.csv", "matrix", "repair"
CURVES = ("scales", "read_noises")


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-deploy`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of finished runs")
    group = parser.add_argument_group("chips")
    text = "files of chips (NPZ or CSV), or patterns such as 'chips/*.npz'"
    group.add_argument("--chips", nargs="+", default=[], metavar="FILE", help=text)
    add_options(parser, DeployOptions)
    parser.usage = "%(prog)s RUN [RUN ...] [options]"
    given = vars(parser.parse_args(argv))
    runs, chips = given.pop("runs"), given.pop("chips")
    return run_command(PROG, lambda: run(runs, chips, build(DeployOptions, given)))


def run(folders: Sequence[Path], chips: Sequence[str], options: DeployOptions) -> int:
    """Measure, print tables, and write results; returns 0.

    Args:
        folders: of finished runs.
        chips: paths or patterns.
        options: checked ones.

    Raises:
        InputError: a run or a chip is missing, damaged or does not fit, or results would be replaced.
        RunError: training on a chip cannot go on.
    """
    known = fleet(chips, options.draw_chips, options.seed, options.mismatch)
    if not known.names and (options.scales or options.repair_epochs or options.without_kp):
        raise InputError(
            "--scales, --without-kp and --repair-epochs need chips; name files by --chips, or --draw-chips"
        )
    out = _folder(folders, options)
    studies = _studies(folders, known, options)
    out = make_writable(out, "--out", "name a folder that can be written")
    for path in _earlier(out):
        path.unlink()
    found: Found = {}
    with Progress(sum(study.samples for study in studies), quiet=options.quiet) as progress:
        for study in studies:
            progress.describe(study.name)
            found[study.name] = study, study.rows(progress.advance)
    files = _write(found, out)
    _write_facts(found, known, options, out)
    with drawn_or_warned("the same command with --force"):
        files += _draw(found, out, options.plot_format)
    if not options.quiet:
        print("\n\n".join([*_tables(found), f"written to {out}: {', '.join([*files, JSON])}"]))
    return 0


def _studies(folders: Sequence[Path], known: Fleet, options: DeployOptions) -> list[Study]:
    trained = [load_trained(folder, options.epoch, options.backend) for folder in folders]
    names = [one.name for one in trained]
    studies: list[Study] = []
    for folder, one, name in zip(folders, trained, names, strict=True):
        if one.metric != trained[0].metric:
            raise InputError(
                f"run folder {folder}: is tested by its {one.metric}, {folders[0]} by its {trained[0].metric}; "
                "deploy them one after the other"
            )
        unique = name if names.count(name) == 1 else str(folder)
        if unique in [study.name for study in studies]:
            raise InputError(f"run folder {folder}: comes twice")
        try:
            chips = known.chips(one)
        except InputError as problem:
            raise InputError(f"run folder {folder}: {problem}") from None
        studies.append(Study(unique, one, chips, options))
    return studies


def _folder(folders: Sequence[Path], options: DeployOptions) -> Path:
    """Where results go.

    Raises:
        InputError: it is not said where, or there are results already.
    """
    if options.out is None and len(folders) > 1:
        raise InputError("results of several runs go into a folder of their own; name it by --out")
    out = options.out or folders[0] / "deploy"
    if (out / JSON).exists() and not options.force:
        raise InputError(f"--out {out}: holds results already; name another folder, or replace them with --force")
    return out


def _earlier(out: Path) -> list[Path]:
    """Results of an earlier call, which must not stand beside those of this one."""
    names = [JSON, ROWS] + [f"{name}.csv" for name in (*CURVES, MATRIX)]
    names += [f"{name}.{ending}" for name in (*CURVES, MATRIX, REPAIR) for ending in PLOT_FORMATS]
    return [out / name for name in names if (out / name).is_file()]


def _is_matrix(found: Found) -> bool:
    return len(found) > 1


def _asked(found: Found) -> list[str]:
    """The curves that there are."""
    first = next(iter(found.values()))[0]
    return [kind for kind in CURVES if getattr(first.options, kind)]


def _tables(found: Found) -> list[str]:
    tables = []
    for study, rows in found.values():
        tables.append(report.overview(study, rows))
        tables += [report.curve_table(study, rows, kind) for kind in _asked(found)]
    return tables + ([report.matrix_table(found)] if _is_matrix(found) else [])


def _write(found: Found, out: Path) -> list[str]:
    texts = {ROWS: report.rows_csv(found)}
    texts |= {f"{kind}.csv": report.curves_csv(found, kind) for kind in _asked(found)}
    if _is_matrix(found):
        texts[f"{MATRIX}.csv"] = report.matrix_csv(found)
    for name, text in texts.items():
        write_text(out / name, text)
    return list(texts)


def _draw(found: Found, out: Path, plot_format: str) -> list[str]:
    drawn: dict[str, Any] = {kind: figures.curve_figure(found, kind) for kind in _asked(found)}
    if next(iter(found.values()))[0].options.repair_epochs:
        drawn[REPAIR] = figures.repair_figure(found)
    if _is_matrix(found):
        drawn[MATRIX] = figures.matrix_figure(found)
    return [save(one, out / name, plot_format).name for name, one in drawn.items()]


def _write_facts(found: Found, known: Fleet, options: DeployOptions, out: Path) -> None:
    """deploy.json: options, runs and chips."""
    first = next(iter(found.values()))[0]
    runs = {name: _facts(study, rows) for name, (study, rows) in found.items()}
    chips: Mapping[str, Any] = facts(known, first.chips)
    seeds = [draw_seed(draw) for draw in range(options.draws)]
    settings: dict[str, Any] = plain(dataclasses.asdict(options))
    write_json(out / JSON, {"options": settings, "runs": runs, "chips": chips, "noise_seeds": seeds})


def _facts(study: Study, rows: Sequence[Row]) -> dict[str, Any]:
    trained = study.trained
    return {
        "folder": os.path.abspath(trained.folder),
        "epoch": trained.epoch,
        "transistors": int(trained.gates.gate_V.size),
        "test_samples": len(trained.replica.data.test.y),
        "metric": trained.metric,
        "backend": trained.config.backend,
        "own_chip": None if trained.chip is None else digest(trained.chip),
        "chips": {name: digest(chip) for name, chip in study.chips.items()},
        "read_noise_V": study.read_noise_V,
        "measurements": len(rows),
    }


if __name__ == "__main__":
    sys.exit(main())
