"""From a configuration to a finished folder: check everything, claim the folder, train."""

from __future__ import annotations

import os
from pathlib import Path

from common.devices import available_cores, describe_device, set_threads
from common.errors import InputError
from common.plotting import drawn_or_warned
from common.progress import Progress
from common.runs import Run, StopSignals, load_run, new_folder
from common.runs.files import atomic_writer
from magnetoionic import checkpoint
from magnetoionic.build import Setup, setup
from magnetoionic.config import TrainConfig
from magnetoionic.device import CURVE_COPY, FACTS, Device
from magnetoionic.outputs import simulation_name
from magnetoionic.simulation import Simulation

PARENT = Path("simulations")


def run_simulation(config: TrainConfig, run_dir: str | Path | None, *, resume: bool) -> Path:
    """See `magnetoionic.main.run`."""
    threads = min(config.threads or available_cores(), config.n_models)
    set_threads(1, libraries=("numba",))  # a model is one thread's work, so that numbers depend on nothing else
    ready = setup(config, Path(str(run_dir)) if resume else None)
    name, folder = _place(config, run_dir, resume)
    steps = config.n_models * config.epochs * (len(ready.train) + len(ready.test))
    with StopSignals() as signals, Progress(steps, quiet=config.quiet) as progress:
        echo = None if config.quiet else progress.echo
        with Run(folder, config, signals, echo=echo, facts=_facts(ready, name, threads)) as run:
            if echo:
                echo(f"{config.n_models} model(s), {threads} at a time, in {folder}")
            if ready.device:
                note_curve(ready.device, run)
            Simulation(ready, run, name, threads).train(progress)
    checkpoint.remove(folder)  # only now that the run is done on disk: a kill before finds all epochs in it
    return folder


def _place(config: TrainConfig, run_dir: str | Path | None, resume: bool) -> tuple[str, Path]:
    """The name of a simulation, with which its files begin, and its folder; the published notebook wants one name.

    One that earlier versions began in a folder of another name keeps its own.
    """
    if resume:
        assert run_dir is not None
        return str(load_run(run_dir).meta["simulation"]), Path(run_dir)
    name = simulation_name(config)
    chosen = run_dir or os.environ.get("RUN_DIR")
    if chosen:
        folder = new_folder("magnetoionic", "train", config.seed, chosen)
        return folder.resolve().name, folder
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
        **({FACTS: ready.device.facts} if ready.device else {}),
    }


def note_curve(device: Device, run: Run) -> None:
    """Log how well each kind of curve fits the measured device, and keep the file and a plot in the run folder."""
    run.log(device.describe())
    if (run.folder / CURVE_COPY).exists():  # of a simulation that goes on
        return
    with atomic_writer(run.folder / CURVE_COPY) as stream:
        stream.write(device.content)
    from magnetoionic.figures.measured_curve import draw

    used = device.used.name
    fits, refused = device.fits()
    for each in fits:
        run.log(each.describe() + (" (used)" if each.name == used else ""))
    for line in refused:
        run.log(line)
    with drawn_or_warned("by magnetoionic.figures.measured_curve", run.log):
        draw(device.measured, fits, used, run.folder / "device_curve")
