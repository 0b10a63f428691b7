"""From a configuration to a finished folder: check everything, claim the folder, train."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from common.devices import available_cores, describe_device, set_threads
from common.errors import InputError
from common.plotting import drawn_or_warned
from common.progress import Progress
from common.runs import Run, StopSignals, load_run, new_folder
from common.runs.files import write_text
from magnetoionic.build import Setup, setup
from magnetoionic.config import TrainConfig
from magnetoionic.outputs import simulation_name
from magnetoionic.simulation import Simulation

PARENT = Path("simulations")
CURVE_COPY = "device_curve.csv"


def run_simulation(config: TrainConfig, run_dir: str | Path | None, *, resume: bool) -> Path:
    """See `magnetoionic.main.run`."""
    threads = min(config.threads or available_cores(), config.n_models)
    set_threads(1, libraries=("numba",))  # a model is one thread's work, so that numbers depend on nothing else
    if resume and config.device_curve and (Path(str(run_dir)) / CURVE_COPY).is_file():
        config = replace(config, device_curve=Path(str(run_dir)) / CURVE_COPY)  # the file may be gone or changed
    ready = setup(config)
    name, folder = _place(config, run_dir, resume)
    steps = config.n_models * config.epochs * (len(ready.train) + len(ready.test))
    with StopSignals() as signals, Progress(steps, quiet=config.quiet) as progress:
        echo = None if config.quiet else progress.echo
        with Run(folder, config, signals, echo=echo, facts=_facts(ready, name, threads)) as run:
            if echo:
                echo(f"{config.n_models} model(s), {threads} at a time, in {folder}")
            if config.device_curve:
                note_curve(config, run)
            Simulation(ready, run, name, threads).train(progress)
    return folder


def _place(config: TrainConfig, run_dir: str | Path | None, resume: bool) -> tuple[str, Path]:
    """The name of a simulation, which its files carry, and its folder."""
    if resume:
        assert run_dir is not None
        return str(load_run(run_dir).meta["simulation"]), Path(run_dir)
    name = simulation_name(config)
    chosen = run_dir or os.environ.get("RUN_DIR")
    if chosen:
        return name, new_folder("magnetoionic", "train", config.seed, chosen)
    return _first_free(name)


def _first_free(name: str) -> tuple[str, Path]:
    """A folder below simulations/ that nobody else has; two that start in one second get a number."""
    attempt = 1
    while True:
        found = name if attempt == 1 else f"{name}-{attempt}"
        try:
            PARENT.mkdir(exist_ok=True)
            (PARENT / found).mkdir()
            return found, PARENT / found
        except FileExistsError:
            if not PARENT.is_dir():
                raise InputError(f"run folder {PARENT}: is a file; use --run-dir") from None
            attempt += 1
        except OSError as problem:
            raise InputError(f"run folder {PARENT}: cannot be made ({problem.strerror}); use --run-dir") from None


def _facts(ready: Setup, name: str, threads: int) -> dict[str, object]:
    """What run_meta.json holds besides the configuration."""
    return {
        "package": "magnetoionic",
        "job": "train",
        "simulation": name,
        "device": describe_device("cpu"),
        "threads": threads,
        "samples": {"train": len(ready.data.train_y), "test": len(ready.data.test_y)},
        "relaxation_ratio": ready.relaxation.ratio if ready.relaxation else None,
    }


def note_curve(config: TrainConfig, run: Run) -> None:
    """Log how well each kind of curve fits the measured device, and keep the points and a plot in the run folder."""
    from magnetoionic.figures.measured_curve import draw
    from magnetoionic.measured import FITS, fit, read_curve

    assert config.device_curve is not None
    measured = read_curve(config.device_curve)
    write_text(run.folder / CURVE_COPY, config.device_curve.read_text())
    fits = [fit(measured, name) for name in FITS]
    for each in fits:
        run.log(each.describe() + (" (used)" if each.name == config.curve_fit else ""))
    with drawn_or_warned(f"magnetoionic-train --resume {run.folder}", run.log):
        draw(measured, fits, config.curve_fit, run.folder / "device_curve")
