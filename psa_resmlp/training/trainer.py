"""From a configuration to a finished run folder: images, device, trials, console, test accuracy."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from common.devices import available_cores, describe_device, resolve_device, set_threads
from common.errors import InputError, Interrupted
from common.progress import Progress
from common.runs import Run, StopSignals, load_run, new_folder
from common.runs.files import append_line
from common.runs.folder import META, make_writable
from common.runs.lock import FolderLock, Held
from common.runs.run import LOG
from psa_resmlp.model.images import image_sets
from psa_resmlp.study.chain import described, is_chained
from psa_resmlp.study.data import load_study
from psa_resmlp.training import panels
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.model_folder import default_model_dir, fresh_folder, path_of
from psa_resmlp.training.replica import Loop, Replica
from psa_resmlp.training.session import Lane, Session, check_size, threads_for
from psa_resmlp.training.standing import Standing, facts_of, lines, standings

PACKAGE, JOB = "psa_resmlp", "train"


def train(config: TrainConfig, run_dir: str | Path | None = None, *, fresh: bool = False) -> Path:
    """See `psa_resmlp.train.run`."""
    chosen = run_dir or os.environ.get("RUN_DIR")
    return _train(config, Path(chosen) if chosen else None, lambda: _new_folder(config, chosen), {}, fresh=fresh)


def resume(config: TrainConfig, folder: Path) -> Path:
    """Go on with the run in `folder` to the meta-loops that it was started for; start it if it has not begun."""
    meta = load_run(folder).meta
    return _train(config, folder, lambda: folder, meta if has_begun(meta) else {})


def train_in(config: TrainConfig, folder: Path) -> Path:
    """Train in a folder, in which a run may have begun: to --until-loop, from the checkpoints in the model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return _train(config, folder, lambda: folder, {})


def has_begun(meta: Mapping[str, Any]) -> bool:
    """Whether the run of that run_meta.json knows where it ends, without which nothing is trained."""
    return "last_meta_loop" in meta


def _new_folder(config: TrainConfig, chosen: str | Path | None) -> Path:
    """As `common.runs.new_folder`; a folder whose run ended before it began may be used again."""
    if chosen and (Path(chosen) / META).is_file():
        record = load_run(chosen)
        names = record.meta.get("package"), record.meta.get("replica")
        if names == (PACKAGE, JOB) and record.status != "running" and not has_begun(record.meta):
            return Path(chosen)
    return new_folder(PACKAGE, JOB, config.seed or 0, chosen)


def _train(
    config: TrainConfig,
    place: Path | None,
    folder: Callable[[], Path],
    before: Mapping[str, Any],
    *,
    fresh: bool = False,
) -> Path:
    """Train in the folder that `folder` makes or names, which is `place` where that is known before."""
    check_size(config)
    device = resolve_device(config.device)
    threads, workers = threads_for(config.architecture, config.threads or available_cores())
    set_threads(threads, libraries=("torch", "numba"))
    images = image_sets(load_study(config.dataset, config.data_root), device)
    models = (config.model_dir or default_model_dir()).absolute()
    make_writable(models, "model folder", "name another with --model-dir")
    config = replace(config, arch=str(config.architecture), model_dir=fresh_folder(models, config) if fresh else models)
    how = {"device": describe_device(device), "threads": threads, "groups_at_once": workers}
    with StopSignals() as signals, _checkpoints_held(config, place):
        every = standings(config, before)
        run_folder = folder()
        facts = {"package": PACKAGE, "job": JOB, **how, **facts_of(every, before)}
        echo = None if config.quiet else _say
        with Run(run_folder, config, signals, echo=echo, facts=facts) as run:
            for line in lines(config, every):
                run.log(line)
            lanes = [_lane(config, one, run) for one in every]
            session = Session(lanes, images, device, threads=threads, workers=workers, stack=config.stack)
            _introduce(config, session, run)
            _to_the_end(config, session, run)
    return run_folder


def _to_the_end(config: TrainConfig, session: Session, run: Run) -> None:
    """Train, and say what came of it, also where a signal ends it."""
    try:
        with _console(config, session, run) as told:
            session.train(told)
    except Interrupted:
        _conclude(session, run)
        raise
    _conclude(session, run)


@contextlib.contextmanager
def _checkpoints_held(config: TrainConfig, run_folder: Path | None) -> Iterator[None]:
    """The folders of the checkpoints belong to this process; the run's own folder sees to itself.

    Raises:
        InputError: another process trains there.
    """
    assert config.model_dir is not None
    numbers = range(config.first_trial, config.first_trial + config.trials)
    folders = {path_of(config.model_dir, trial, config.trials).parent for trial in numbers}
    with contextlib.ExitStack() as stack:
        for folder in sorted(folders):
            folder.mkdir(exist_ok=True)
            if run_folder is None or folder.resolve() != run_folder.resolve():
                stack.enter_context(_held(folder))
        yield


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    lock = FolderLock(folder, what="model folder")
    try:
        lock.acquire()
    except Held as problem:
        raise InputError(f"{problem}, start with --fresh, or name another with --model-dir") from None
    try:
        yield
    finally:
        lock.release()


def _say(text: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # no reason to end a run, whose log has it all
        print(text, flush=True)


def _lane(config: TrainConfig, one: Standing, run: Run) -> Lane:
    return Lane(Replica(config, config.architecture, one.trial, config.seed or 0), one.path, run, one.last)


def _introduce(config: TrainConfig, session: Session, run: Run) -> None:
    run.log(panels.architecture_table(config.architecture, config.family))
    for lane in session.lanes:
        if lane.replica.loop or lane.replica.bounty_hits >= 0:
            bounty = 100 * lane.replica.bounty_hits / len(session.val_images)
            run.log(f"trial {lane.replica.trial}: goes on after meta-loop {lane.replica.loop}, bounty {bounty:.2f}%")
    if config.debug:
        times = session.choice.step_s if session.choice else {}
        shown = ", ".join(f"{size}: {1e6 * seconds:.0f}" for size, seconds in times.items())
        run.log(f"{session.stack} side by side" + (f" (us a step and replica: {shown})" if shown else ""))


@contextlib.contextmanager
def _console(
    config: TrainConfig, session: Session, run: Run
) -> Iterator[Callable[[Sequence[Lane], Sequence[Loop]], None]]:
    """Shows a bar, and of every meta-loop a panel on a terminal and a line in a log."""
    images = len(session.val_images)
    total = sum(lane.last - lane.replica.loop for lane in session.lanes if not lane.over)
    terminal = sys.stderr.isatty() and not config.quiet
    notes: list[str] = []
    with Progress(max(total, 1), quiet=config.quiet) as progress:

        def told(lanes: Sequence[Lane], loops: Sequence[Loop]) -> None:
            replicas = [lane.replica for lane in lanes]
            for replica, loop in zip(replicas, loops, strict=True):
                line = panels.loop_line(replica, loop, images)
                append_line(run.folder / LOG, line)
                if not terminal and not config.quiet:
                    progress.echo(line)
                if config.debug and loop.layer >= 0:
                    append_line(run.folder / LOG, panels.damage_line(replica, loop))
            note = next(filter(None, map(panels.guessing_note, replicas, loops)), None)
            if note and not notes:  # the first speaks for all
                notes.append(note)
                append_line(run.folder / LOG, note)
                if not config.quiet:
                    progress.echo(note)
            if terminal:
                progress.echo(panels.loop_panel(replicas, loops, images, lanes[0].last))
            best = max(100 * loop.bounty_hits / images for loop in loops)
            progress.describe(f"meta-loop {loops[0].meta_loop} bounty {best:.2f}%")
            progress.advance(len(loops))

        yield told


def _conclude(session: Session, run: Run) -> None:
    """Test accuracy of every LKG, on the screen, in the log, and in run_meta.json."""
    tested = session.test()
    results: list[dict[str, Any]] = []
    for lane in sorted(tested, key=lambda lane: lane.replica.trial):
        results.append(result(lane, tested[lane], len(session.val_images)))
        run.log(
            f"trial {lane.replica.trial}: test accuracy {tested[lane]:.2f}% of the network of meta-loop "
            f"{lane.replica.bounty_loop} (bounty {results[-1]['bounty_percent']:.2f}%)"
        )
    if not tested:
        run.log("no meta-loop was finished, so there is no network to test")
    chains = {str(lane.replica.trial): lane.replica.chain for lane in session.lanes}
    chained = sorted(
        {described(chain) for chain in chains.values() if is_chained(chain, session.lanes[0].replica.mode)}
    )
    # `nonideal table` leaves runs with this result out, so that nobody takes one for a run of its last mode.
    marked = {"incomparable": f"chain of modes: {'; '.join(chained)}"} if chained else {}
    run.note(result={"trials": results, **marked}, stack=session.stack, chain=chains)


def result(lane: Lane, test: float, images: int) -> dict[str, Any]:
    """The numbers of a trial for tables; both accuracies in percent."""
    return {
        "trial": lane.replica.trial,
        "mode": lane.replica.mode,
        "seed": lane.replica.seed,
        "meta_loops": lane.replica.loop,
        "bounty_percent": 100 * lane.replica.bounty_hits / images,
        "bounty_loop": lane.replica.bounty_loop,
        "test_accuracy_percent": test,
    }
