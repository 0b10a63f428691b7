"""Every file format that we read: how to make a good file, and how to read one.

`make` writes a good file into an empty folder and returns its path; `read` reads it, as the commands do, and raises
InputError or RunError for one that is not good, or takes it. Heavy packages are loaded where they are needed.
"""

import argparse
import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import suite_formats as suite


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Any]


def quietly(function: Callable[..., Any], *arguments: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


def axes(folder):
    (folder / "grid.toml").write_text('seed = [1, 2]\ngamma = [0.03, 0.3]\nbody_tie = "ground"\n')
    return folder / "grid.toml"


def read_axes(path):
    from analog_nmos.dense_sweep import SWEEP
    from common.sweeps.axes import chosen_axes

    return chosen_axes(SWEEP.config, SWEEP.axes, path, {})


def run_folder(name):
    def make(folder):
        from common.runs import Run, StopSignals

        with StopSignals() as signals, Run(folder, {"epochs": 2, "gamma": 0.3}, signals, echo=None) as run:
            for epoch in range(3):
                run.metrics({"epoch": epoch, "val_acc": epoch / 4, "loss": 1.5 - epoch / 2})
            run.note(result={"final_val_acc": 0.5, "selected_val_acc": 0.75, "selected_epoch": 1}, package="demo")
        return folder / name

    return make


def read_run_folder(path):
    from common.browse.runs import list_runs
    from common.browse.show import show_run
    from common.runs import load_runs

    load_runs([path.parent])
    quietly(list_runs, [str(path.parent)])
    return quietly(show_run, path.parent, 3)


def sweep_folder(name):
    def make(folder):
        from common.runs.journal import Journal
        from common.sweeps import Outcome, RunSpec
        from common.sweeps.folder import settle_specs
        from common.sweeps.results import Results

        specs = [RunSpec(n, f"n{n}", {"gamma": 0.03 * n, "epochs": 2}, {"gamma": 0.03 * n}) for n in range(3)]
        settle_specs(folder, specs, {"function": "m:f"})
        ended = {n: Outcome(n, "done", 1.0, {"final_val_acc": 0.5, "selected_epoch": 1}) for n in range(2)}
        for number, outcome in ended.items():
            Journal(folder).note("start", index=number)
            Journal(folder).ended(outcome)
        Results(folder, specs, "final_val_acc", ended).save("done")
        return folder / name

    return make


def read_sweep_folder(path):
    from common.browse.table import show_table
    from common.sweeps import RunSpec
    from common.sweeps.folder import settle_specs

    words = dict.fromkeys(("value", "by", "x", "y", "plot_dir"))
    flags = {"best": False, "top": 3, "csv": False, "no_plots": True, "plot_format": "png"}
    quietly(show_table, argparse.Namespace(folder=path.parent, **words, **flags))
    specs = [RunSpec(n, f"n{n}", {"gamma": 0.03 * n, "epochs": 2}, {"gamma": 0.03 * n}) for n in range(3)]
    return settle_specs(path.parent, specs, {"function": "m:f"})


def outcome(folder):
    from common.runs.outcome import DONE, Outcome, write_outcome

    write_outcome(folder, Outcome(0, "done", 1.0, {"final_val_acc": 0.5}))
    return folder / DONE


def read_done(path):
    from common.runs.outcome import read_outcome

    return read_outcome(path.parent, 0)


def array(folder):
    np.save(folder / "array.npy", np.arange(12.0).reshape(3, 4))
    return folder / "array.npy"


def read_npy(path):
    from common.inputs import read_array

    return read_array(path, "array")


def json_file(folder):
    (folder / "facts.json").write_text(json.dumps({"numbers": [1, 2.5, None], "name": "x", "more": {"flag": True}}))
    return folder / "facts.json"


def read_facts(path):
    from common.inputs import read_json

    return read_json(path, "facts")


def idx(suffix):
    def make(folder):
        import gzip

        content = b"\0\0\10\3" + b"".join(size.to_bytes(4, "big") for size in (5, 28, 28)) + bytes(range(196)) * 20
        path = folder / f"train-images-idx3-ubyte{suffix}"
        path.write_bytes(gzip.compress(content) if suffix else content)
        return path

    return make


def read_idx(path):
    from common.idx_files import read

    return read([path], 3)


FORMATS = {
    entry.name: entry
    for entry in (
        Format("topology", suite.topology, suite.read_topology),
        Format("model card", suite.model_card, suite.read_card),
        Format("nmos checkpoint", suite.nmos_checkpoint, suite.read_nmos_checkpoint),
        Format("nmos replicas", suite.replicas, suite.read_replicas),
        Format("device curve", suite.device_curve, suite.read_device_curve),
        Format("magnetoionic checkpoint", suite.magnetoionic_checkpoint, suite.read_magnetoionic_checkpoint),
        Format("magnetoionic table", suite.accuracies, suite.read_accuracies),
        Format("weights (.safetensors)", suite.safetensors, suite.read_weights),
        Format("weights (.pth)", suite.pth, suite.read_weights),
        Format("aanntwin checkpoint", suite.epoch_of_a_twin, suite.read_epoch_of_a_twin),
        Format("aanntwin options", suite.options, suite.read_options),
        Format("psa checkpoint", suite.psa_checkpoint, suite.read_psa_checkpoint),
        Format("psa trials", suite.psa_trials, suite.read_psa_trials),
        Format("corruption checkpoint", suite.corruption_checkpoint, suite.read_corruption_checkpoint),
        Format("corruption campaign", suite.campaign, suite.read_campaign),
        Format("axes", axes, read_axes),
        Format("run_meta.json", run_folder("run_meta.json"), read_run_folder),
        Format("metrics.csv", run_folder("metrics.csv"), read_run_folder),
        Format("runspecs.jsonl", sweep_folder("runspecs.jsonl"), read_sweep_folder),
        Format("status.jsonl", sweep_folder("status.jsonl"), read_sweep_folder),
        Format("manifest.json", sweep_folder("manifest.json"), read_sweep_folder),
        Format("summary.json", sweep_folder("summary.json"), read_sweep_folder),
        Format("DONE", outcome, read_done),
        Format("npy", array, read_npy),
        Format("JSON", json_file, read_facts),
        Format("IDX", idx(""), read_idx),
        Format("IDX (.gz)", idx(".gz"), read_idx),
    )
}
