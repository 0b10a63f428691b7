"""Every file format that we read: how to make a good file, and how to read one.

`make` writes a good file into an empty folder and returns its path; `read` reads it, as the commands do, and raises
InputError or RunError for one that is not good, or takes it. Heavy packages are loaded where they are needed.
"""

import argparse
import contextlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], Any]


def quietly(function: Callable[..., Any], *arguments: Any) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


# --- analog_nmos -------------------------------------------------------------------------------------------------


def topology(folder):
    from analog_nmos.topology import dense

    dense(3, 2).save(folder / "topology.npz")
    return folder / "topology.npz"


def read_topology(path):
    from analog_nmos.figures.facts import describe
    from analog_nmos.topology import load_topology

    return describe(load_topology(path))


def model_card(folder):
    from analog_nmos.model_card import default_card_path

    return Path(shutil.copy(default_card_path(), folder / "card.lib"))


def read_card(path):
    from analog_nmos.model_card import read_model_card

    return read_model_card(path)


def lane():
    from analog_nmos.config import TrainerConfig
    from analog_nmos.lane import new_lane
    from analog_nmos.topology import dense

    return new_lane(TrainerConfig(), None, dense(3, 2))


def nmos_checkpoint(folder):
    from analog_nmos.checkpoint import save_checkpoint

    trained = lane()
    trained.epoch, trained.histories = 2, {"val_acc": [0.1, 0.5, 0.75], "train_acc": [0.25, 0.5]}
    save_checkpoint(folder, trained, {"start_V": np.zeros(5)})
    return folder / "checkpoint.npz"


def read_nmos_checkpoint(path):
    from analog_nmos.checkpoint import load_checkpoint, read_gates

    load_checkpoint(path.parent, lane())
    return read_gates(path.parent)


def lanes(folder):
    (folder / "lanes.jsonl").write_text('{"seed": 1, "gamma": 0.3, "topology": "t.npz"}\n{"vg_init": "random"}\n')
    return folder / "lanes.jsonl"


def read_lanes(path):
    from analog_nmos.command import _lanes
    from analog_nmos.dense_trainer import HingeConfig

    return _lanes(HingeConfig, path, {})


# --- magnetoionic ------------------------------------------------------------------------------------------------


def device_curve(folder):
    x = np.arange(28.0)
    rows = [f"{pulse:g},{value:.6g}" for pulse, value in zip(x, 0.75 + 1.53 * np.exp(-x / 9.741), strict=True)]
    (folder / "curve.csv").write_text("\n".join(["pulses,value", *rows]) + "\n")
    return folder / "curve.csv"


def read_device_curve(path):
    from magnetoionic.measured import FITS, fit, read_curve

    measured = read_curve(path)
    return [fit(measured, name).describe() for name in FITS]


def magnetoionic_model():
    from magnetoionic.curves import DOUBLE
    from magnetoionic.network import Network, Noise
    from magnetoionic.pairs import PairLayer
    from magnetoionic.rule import Rule

    rule = Rule(1000.0)
    layers = [PairLayer((64, 10), DOUBLE["double-linear"], rule, 0.01, 0.2, 3, "layer", 1)]
    return Network(layers, Noise(0.0, 0.0), 0.001, rule.lr, 3, 32)


def magnetoionic_checkpoint(folder):
    from magnetoionic.checkpoint import save

    record = {"epoch": 1, "loss": [2.0], "accuracy": [0.5], "gradients": [[0.1]], "seconds": 1.0}
    save(folder, [magnetoionic_model()], [record])
    return folder / "checkpoint.npz"


def read_magnetoionic_checkpoint(path):
    from magnetoionic.checkpoint import load

    return load(path.parent, [magnetoionic_model()])


def accuracies(folder):
    from magnetoionic.figures.table import COLUMNS, TABLE

    row = ("digits", "1024-10", 5, 0.0, 0.2, 0.0, False, "double-linear", 500.0, 100, 90.5, 88.25)
    (folder / TABLE).write_text(",".join(COLUMNS) + "\n" + ",".join(map(str, row)) + "\n")
    return folder / TABLE


def read_accuracies(path):
    from magnetoionic.figures.accuracy import summary
    from magnetoionic.figures.table import read_table

    return summary(read_table([path.parent]))


# --- aanntwin ----------------------------------------------------------------------------------------------------


def twin():
    from aanntwin.config import Settings

    return Settings(dataset_name="digits", threads=1)


def safetensors(folder):
    from aanntwin.weights import initial_weights, save_weights

    save_weights(folder / "w.safetensors", initial_weights(twin()), twin().model_params)
    return folder / "w.safetensors"


def pth(folder):
    import torch

    from aanntwin.weights import initial_weights

    torch.save(dict(initial_weights(twin())), folder / "w.pth")
    return folder / "w.pth"


def read_weights(path):
    from aanntwin.weights import load_model_params, load_weights

    load_model_params(path)
    return load_weights(path)


def epoch_of_a_twin(folder):
    from aanntwin.cache import Cache
    from aanntwin.weights import initial_weights

    Cache(folder).store(twin(), 1, initial_weights(twin()), {}, 0.5)
    return Cache(folder).place(twin(), 1)


def read_epoch_of_a_twin(path):
    from aanntwin.cache import Cache

    cache = Cache(path.parents[1])
    cache.known(twin())
    return cache.state(twin(), 1)


def options(folder):
    text = '{"conv_out_channels": 5, "kernel_size": 4, "stride": 1, "padding": 2, "additional_layers": [20, 10]}'
    (folder / "options.json").write_text(text)
    return folder / "options.json"


def read_options(path):
    from aanntwin.config import ModelParams
    from aanntwin.options import read_group

    return read_group(path, ModelParams, "model_params")


# --- psa_resmlp --------------------------------------------------------------------------------------------------


def psa_job():
    from psa_resmlp.config import TrainConfig
    from psa_resmlp.job import Job

    config = TrainConfig(arch="[2*6]", dataset="digits", ablation_mode="hidden")
    return Job(config, config.architecture, 1, 0)


def psa_checkpoint(folder):
    import torch

    from psa_resmlp.checkpoint import path_of, save
    from psa_resmlp.job import Loop
    from psa_resmlp.network import shapes

    job = psa_job()
    job.take(Loop(1, "hidden", 0.5, 80.0, 300, True, 300, 1, 1, 2, 0.5))
    network = {name: torch.full(shape, 0.5) for name, shape in shapes(job.architecture, job.config.family).items()}
    save(path_of(folder, 1, 1), job, network, 360)
    return path_of(folder, 1, 1)


def read_psa_checkpoint(path):
    from psa_resmlp.restore import load

    return load(path, psa_job())


def psa_trials(folder):
    from psa_resmlp.architectures import parse
    from psa_resmlp.tables import Study, Trial, write_study

    study = Study("resmlp")
    for mode in ("none", "hidden"):
        for number in (1, 2):
            study.add(parse("18*18"), mode, Trial(number, 90.0 + number))
    return next(path for path in write_study(folder, study) if path.name.endswith("trials.csv"))


def read_psa_trials(path):
    from psa_resmlp.tables import read_study

    return read_study(path)


# --- corruption_study --------------------------------------------------------------------------------------------


def stack():
    from corruption_study.config import TrainConfig
    from corruption_study.trainer import Stack

    return Stack([TrainConfig(dataset="digits", hidden_sizes=(8,), max_train_samples=20)], kernels=False)


def corruption_checkpoint(folder):
    from corruption_study.checkpoint import save

    trained = stack()
    trained.epoch = 1
    save(trained, [folder])
    return next(folder.glob("checkpoint*"))


def read_corruption_checkpoint(path):
    from corruption_study.checkpoint import restore

    return restore(stack(), [path])


def campaign(folder):
    text = 'ps = [0, 0.5]\nactivations = ["relu"]\nrepeats = 2\nepochs = 3\nhidden-sizes = [32]\noutput_dir = "there"\n'
    (folder / "campaign.toml").write_text(text)
    return folder / "campaign.toml"


def read_campaign(path):
    from corruption_study.campaign import read_toml, settle, take_start

    file = read_toml(path)
    take_start(file, argparse.Namespace(output_dir=None, max_workers=None, stack=None))
    return settle(None, file, {})


# --- common ------------------------------------------------------------------------------------------------------


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
        from common.sweeps import Outcome, RunSpec
        from common.sweeps.folder import settle_specs
        from common.sweeps.journal import Journal
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
    from common.sweeps.outcome import DONE, Outcome, write_outcome

    write_outcome(folder, Outcome(0, "done", 1.0, {"final_val_acc": 0.5}))
    return folder / DONE


def read_done(path):
    from common.sweeps.outcome import read_outcome

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
        Format("topology", topology, read_topology),
        Format("model card", model_card, read_card),
        Format("nmos checkpoint", nmos_checkpoint, read_nmos_checkpoint),
        Format("nmos lanes", lanes, read_lanes),
        Format("device curve", device_curve, read_device_curve),
        Format("magnetoionic checkpoint", magnetoionic_checkpoint, read_magnetoionic_checkpoint),
        Format("magnetoionic table", accuracies, read_accuracies),
        Format("weights (.safetensors)", safetensors, read_weights),
        Format("weights (.pth)", pth, read_weights),
        Format("aanntwin checkpoint", epoch_of_a_twin, read_epoch_of_a_twin),
        Format("aanntwin options", options, read_options),
        Format("psa checkpoint", psa_checkpoint, read_psa_checkpoint),
        Format("psa trials", psa_trials, read_psa_trials),
        Format("corruption checkpoint", corruption_checkpoint, read_corruption_checkpoint),
        Format("corruption campaign", campaign, read_campaign),
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
