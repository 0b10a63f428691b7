"""Draw the figures of simulations (`magnetoionic-figures`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from common.cli import Parser, run_command
from common.plotting import save
from common.plugins import is_own
from common.runs.folder import make_writable
from magnetoionic.figures.files import save_all

if TYPE_CHECKING:
    import pandas as pd

PROG = "magnetoionic-figures"
DESCRIPTION = """\
Draw device curves, accuracy against learning rate, and histograms of weights, as PDF, SVG and PNG.

example: magnetoionic-figures results/magnetoionic/sweeps/figure_2
         magnetoionic-figures simulations --out figures/all
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = Parser(prog=PROG, description=DESCRIPTION)
    text = "folders of simulations or sweeps, or with an accuracies.csv (default: simulations)"
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help=text)
    text = "folder for the figures (default: figures/TIMESTAMP)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=text)
    text = "learning rate of the models whose weights are shown (default: the lowest with weights)"
    parser.add_argument("--lr", type=float, metavar="X", help=text)
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    given = parser.parse_args(argv)
    folders = given.folders or [Path("simulations")]
    return run_command(PROG, lambda: _work(folders, given.out, given.lr, given.quiet))


def draw_all(folders: Sequence[Path], out: Path, lr: float | None = None) -> list[Path]:
    """Draw all figures of the simulations, and write their table; returns the paths.

    Raises:
        InputError: there is no simulation, or `out` cannot be written.
    """
    from magnetoionic.figures import accuracy, device_curves, histograms
    from magnetoionic.figures.table import TABLE, file_word, read_table, settings, write_table

    table = read_table(folders)
    shown = [(stem, part, _shown_models(part, lr)) for stem, part in settings(table)]
    paths = {path for *_, models in shown for path in models.values()} | set(_shown_models(table, lr).values())
    weights = {path: histograms.read_weights(path) for path in paths}
    make_writable(out, "folder", "name another with --out")
    own = [word for field in table["field"].unique() for word in field.split("+") if is_own(word)]
    written = save_all(device_curves.draw(own), out / "device_curves")
    written += save_all(accuracy.draw(table), out / "accuracy")
    for stem, part, models in shown:  # published as one file for all settings of a task
        written.append(save(accuracy.draw(part), out / f"learning-rate-{stem}", "pdf"))
        for label, path in models.items():
            name = f"weights-{file_word(label)}-{stem}-{_mean(part, path):.2f}"
            written.append(save(histograms.draw({label: weights[path]}), out / name, "pdf"))
    together = {label: weights[path] for label, path in _shown_models(table, lr).items()}
    for stem, arrays in histograms.by_unit(together).items():
        written += save_all(histograms.draw(arrays), out / stem)
    write_table(table, out / TABLE)
    return [*written, out / TABLE]


def _shown_models(table: pd.DataFrame, lr: float | None) -> dict[str, Path]:
    """The first model with weights of each field, at learning rate `lr` or at the lowest."""
    there = table[table["file"].map(lambda name: bool(name) and Path(name).is_file())]
    if lr is not None:
        there = there[there["lr"] == lr]
    first = there.sort_values(["lr", "seed"]).groupby("field", sort=True).first()
    first = first.sort_index(ascending=False)  # linear before exponential, as in the other figures
    return {f"{field}, learning rate {row.lr:g}": Path(row.file) for field, row in first.iterrows()}


def _mean(table: pd.DataFrame, path: Path) -> float:
    """Mean accuracy in percent of all models that share field and learning rate with the one in a file."""
    own = table[table["file"] == str(path)].iloc[0]
    same = table[(table["field"] == own["field"]) & (table["lr"] == own["lr"])]
    return float(same["accuracy"].mean())


def _work(folders: Sequence[Path], out: Path | None, lr: float | None, quiet: bool) -> int:
    from magnetoionic.figures.accuracy import summary
    from magnetoionic.figures.styles import styles
    from magnetoionic.figures.table import read_table

    target = out or Path("figures") / datetime.now().strftime("%Y%m%d-%H%M%S")
    styles(read_table(folders)["field"].unique(), lambda line: print(line, file=sys.stderr))
    written = draw_all(folders, target, lr)
    if not quiet:
        for row in summary(read_table(folders)).itertuples():
            print(
                f"{row.field} lr {row.lr:g}: {row.accuracy:.2f} +- {row.std:.2f} %, after relaxation "
                f"{row.relaxed:.2f} +- {row.relaxed_std:.2f} % ({row.models} models)"
            )
        print(f"{len(written)} files in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
