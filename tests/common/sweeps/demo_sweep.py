"""A sweep whose runs do what a test asks for: `python -m demo_sweep`, and functions that workers can import.

$DEMO_FAULTS says what goes wrong at the second epoch of which seeds: "die-once@2 fail@3". An epoch takes
$DEMO_SECONDS. With $DEMO_RUN a run has a run folder of ours. Every call of a run leaves a
line in calls.txt of the sweep's folder, and every epoch one letter in epochs.txt of its own: that is its checkpoint.
"""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from common.cli import option
from common.errors import RunError
from common.runs import Run, StopSignals
from common.runs.files import append_line, read_lines
from common.sweeps import Axis, Sweep
from common.sweeps.grid import make_specs


def train(config, folder):
    """Epochs with a checkpoint each; the result depends on the seed alone."""
    with open(folder.parent / "calls.txt", "a") as stream:
        stream.write(f"{config['seed']} {os.getpid()}\n")
    checkpoint = folder / "epochs.txt"
    print(f"run {config['seed']}")
    for epoch in range(len(checkpoint.read_text()) if checkpoint.exists() else 0, config["epochs"]):
        if epoch == 1:
            _misbehave(config["seed"], folder)
        for _ in range(10):
            time.sleep(float(os.environ.get("DEMO_SECONDS", "0.05")) / 10)
        with open(checkpoint, "a") as stream:
            stream.write("x")
    assert checkpoint.read_text() == "x" * config["epochs"]
    return {"final_val_acc": config["seed"] / 7, "selected_val_acc": config["seed"] / 6, "selected_epoch": 1}


def train_with_run(config, folder):
    """As `train`, with a run folder that stops at the end of an epoch when a signal comes; its checkpoint is a file."""
    with open(folder.parent / "calls.txt", "a") as stream:
        stream.write(f"{config['seed']} {os.getpid()}\n")
    checkpoint = folder / "epochs.txt"
    with StopSignals() as signals, Run(folder, config, signals) as run:
        for epoch in range(len(read_lines(checkpoint)), config["epochs"]):
            for _ in range(10):
                time.sleep(float(os.environ.get("DEMO_SECONDS", "0.05")) / 10)
                run.beat()
            run.metrics({"epoch": epoch})
            append_line(checkpoint, str(epoch))
            run.stop_if_asked()
    return {"final_val_acc": config["seed"] / 7, "selected_val_acc": config["seed"] / 6, "selected_epoch": 1}


def train_lists(configs, folders):
    """Several runs in one call, which "break@n" breaks for all while n is among several."""
    results = []
    for config, folder in zip(configs, folders, strict=True):
        if len(configs) > 1 and f"break@{config['seed']}" in os.environ.get("DEMO_FAULTS", ""):
            raise RuntimeError("one too many")
        try:
            results.append(train(config, folder))
        except RunError as problem:
            results.append(problem)
    return results


def _misbehave(seed, folder):
    faults = dict(word.split("@")[::-1] for word in os.environ.get("DEMO_FAULTS", "").split())
    mode = faults.get(str(seed))
    met = folder.parent / f"met-{folder.name}"
    first = not met.exists()
    met.touch()
    if mode == "fail":
        raise RunError("epoch 1: the loss is nan")
    if mode == "raise":
        raise KeyError("no such thing")
    if mode == "exit":
        sys.exit("no more")
    if mode == "hang":
        time.sleep(1000)
    if mode == "die" or (mode == "die-once" and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "full":
        Path("/dev/full").write_text("x")
    if mode == "greedy":
        block = bytearray(500 * 2**20)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(1000)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of a run."""

    seed: int = option(0, "seed", positional=True, low=0)
    epochs: int = option(3, "epochs", low=1)
    quiet: bool = option(False, "quiet", local=True)


SWEEP = Sweep(
    prog="demo-sweep",
    package="demo",
    name="demo",
    description="A sweep for tests.",
    config=Config,
    axes=(Axis("seed", (0, 1, 2, 3, 4, 5)), Axis("epochs", (3,))),
    specs=lambda axes: make_specs(axes, Config, lambda labels: f"seed{labels['seed']}", ("seed",)),
    function="demo_sweep:train_with_run" if os.environ.get("DEMO_RUN") else "demo_sweep:train",
    workers=2,
)
main = SWEEP.main

if __name__ == "__main__":
    sys.exit(main())
