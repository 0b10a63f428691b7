"""Find what a chip must reach for a trained network: mismatch, noise, gate bits (`nmos-spec`)."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analog_nmos.deployment.measure import draw_seed
from analog_nmos.deployment.trained import Trained, load_trained
from analog_nmos.specification import report
from analog_nmos.specification.bench import Bench
from analog_nmos.specification.figures import spec_figure
from analog_nmos.specification.limits import EXPECTED, Found, Spec
from analog_nmos.specification.options import SpecOptions
from analog_nmos.specification.search import Limit
from common.browse.text import aligned
from common.cli import Parser, add_options, build, run_command
from common.errors import InputError
from common.plotting import PLOT_FORMATS, drawn_or_warned, save
from common.progress import Progress
from common.runs.files import plain, write_json, write_text
from common.runs.folder import make_writable

PROG = "nmos-spec"
DESCRIPTION = """\
For a finished run, find how much of each imperfection alone it bears: the largest mismatch (standard deviation of
threshold voltages, with 0.5 percent of kp for every 10 mV, and each of both alone), the largest noise of readings and
of gate voltages, and the fewest bits of a converter that writes gates, at which it loses at most --points of its
accuracy without them (where answers are values: at which its error is at most --worse percent larger).

Levels rise by octaves until they cost too much, then the limit is bisected; the first crossing counts. Every level is
tested in the same draws: draw j is the chip that nmos-chip draws from seed j, or noise of seed 555000 + 7919 j, and
the level scales its normal numbers. Limits are where the mean over draws leaves the target. Intervals are 95 percent
bootstrap intervals over draws, with --over-samples over draws and test samples; bits have no draws. A limit does not
cover other trainings, and all limits at once cost more than each: the line under the table says how much.

examples: nmos-spec results/analog_nmos/latest --points 1 --format markdown
              (1,280 transistors, 360 test samples: two minutes of processor time)
          nmos-spec RUN --only mismatch,read-noise --draws 50 --over-samples
          nmos-spec RUN --only mismatch --repair-epochs 2
In --out: spec.csv (the limits), levels.csv (every draw of every tested level), spec.json (what was done), a figure.
"""
JSON, LIMITS, LEVELS, FIGURE = "spec.json", "spec.csv", "levels.csv", "spec"


def main(argv: Sequence[str] | None = None) -> int:
    """The command `nmos-spec`; see DESCRIPTION."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a finished run")
    add_options(parser, SpecOptions)
    parser.usage = "%(prog)s RUN [options]"
    given = vars(parser.parse_args(argv))
    folder = given.pop("run")
    return run_command(PROG, lambda: run(folder, build(SpecOptions, given)))


def run(folder: Path, options: SpecOptions) -> int:
    """Find the limits, print the table, and write results; returns 0.

    Args:
        folder: of a finished run.
        options: checked ones.

    Raises:
        InputError: the run is missing or damaged, cannot be tested so, or results would be replaced.
    """
    out = options.out or folder / "spec"
    if (out / JSON).exists() and not options.force:
        raise InputError(f"--out {out}: holds results already; name another folder, or replace them with --force")
    trained = load_trained(folder, options.epoch, options.backend)
    bench = Bench(trained, options)
    spec = Spec(bench, options)
    out = make_writable(out, "--out", "name a folder that can be written")
    hushed = options.quiet or options.format != "text"  # lines of progress would stand in the table
    with Progress(EXPECTED * len(spec.quantities), quiet=hushed) as progress:
        rows = list(spec.rows(progress.describe, progress.advance))
    together = spec.together(rows)
    _remove_earlier(out)
    files = _write(out, bench, spec, rows, together, options)
    if not options.quiet:
        _print(bench, rows, together, options, f"written to {out}: {', '.join(files)}")
    return 0


def _remove_earlier(out: Path) -> None:
    """A figure of an earlier call may have another format, and one of this call may fail."""
    for path in [out / JSON, out / LIMITS, out / LEVELS, *(out / f"{FIGURE}.{ending}" for ending in PLOT_FORMATS)]:
        path.unlink(missing_ok=True)


def _print(bench: Bench, rows: Sequence[Found], together: Limit | None, options: SpecOptions, written: str) -> None:
    trained = bench.trained
    names, lines = report.header(bench.is_accuracy), [report.cells(row, trained.config.full_scale_V) for row in rows]
    styles = {"text": lambda *table: aligned(*table) + "\n", "csv": report.as_csv, "markdown": report.markdown}
    sys.stdout.write(styles[options.format](names, lines))
    sys.stdout.flush()
    samples = bench.base.size
    note = report.note(rows, float(bench.base.mean()), samples, trained.metric, together, bench.failed)
    print(f"{note}\n{written}", file=sys.stdout if options.format == "text" else sys.stderr)


def _write(
    out: Path, bench: Bench, spec: Spec, rows: Sequence[Found], together: Limit | None, options: SpecOptions
) -> list[str]:
    trained = bench.trained
    write_text(out / LIMITS, report.limits_csv(rows, trained.config.full_scale_V))
    write_text(out / LEVELS, report.levels_csv(rows, trained.metric))
    files = [LIMITS, LEVELS]
    with drawn_or_warned("the same command with --force"):
        files.append(save(spec_figure(rows, spec.goal), out / FIGURE, options.plot_format).name)
    write_json(out / JSON, _facts(trained, bench, spec, rows, together, options))
    return [*files, JSON]


def _facts(
    trained: Trained, bench: Bench, spec: Spec, rows: Sequence[Found], together: Limit | None, options: SpecOptions
) -> dict[str, Any]:
    """spec.json: options, the run, and the limits."""
    settings: dict[str, Any] = plain(dataclasses.asdict(options))
    limits = {
        row.quantity.name: {
            "state": report.state(row.limit),
            "limit": row.limit.value if row.limit.found else None,
            "interval": [row.limit.low, row.limit.high],
            "unit": row.quantity.unit,
            "tested": [row.limit.levels.min(), row.limit.levels.max()],
        }
        for row in rows
    }
    return {
        "options": settings,
        "run": os.path.abspath(trained.folder),
        "epoch": trained.epoch,
        "transistors": int(trained.gates.gate_V.size),
        "metric": trained.metric,
        "without": float(bench.base.mean()),
        "allowed_cost": spec.goal.most,
        "test_samples": bench.base.size,
        "backend": trained.config.backend,
        "limits": limits,
        "all_at_once_cost": None if together is None else together.cost,
        "failed": bench.failed,
        "noise_seeds": [draw_seed(draw) for draw in range(options.draws)],
    }


if __name__ == "__main__":
    sys.exit(main())
