"""The file formats of the five suites: see `formats`. Heavy packages are loaded where they are needed."""

import argparse
import shutil
from pathlib import Path

import numpy as np

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
    from analog_nmos.cards.model_card import default_card_path

    return Path(shutil.copy(default_card_path(), folder / "card.lib"))


def read_card(path):
    from analog_nmos.cards.model_card import read_model_card

    return read_model_card(path)


def replica():
    from analog_nmos.data.split import Data, Split
    from analog_nmos.topology import dense
    from analog_nmos.training.config import TrainerConfig
    from analog_nmos.training.replica import new_replica

    part = Split(np.zeros((2, 3)), np.arange(2))
    return new_replica(TrainerConfig(), Data(part, part, part, ("a", "b"), "two"), dense(3, 2))


def nmos_checkpoint(folder):
    from analog_nmos.training.checkpoint import Histories, State, save_checkpoint

    trained = replica()
    trained.epoch, trained.histories = 2, {"val_acc": [0.1, 0.5, 0.75], "train_acc": [0.25, 0.5]}
    save_checkpoint(folder, State.of(trained, {"start_V": np.zeros(5)}), Histories(trained.histories))
    return folder / "checkpoint.npz"


def read_nmos_checkpoint(path):
    from analog_nmos.training.checkpoint import load_checkpoint, read_gates

    load_checkpoint(path.parent, replica())
    return read_gates(path.parent)


def replicas(folder):
    (folder / "lanes.jsonl").write_text('{"seed": 1, "gamma": 0.3, "topology": "t.npz"}\n{"vg_init": "random"}\n')
    return folder / "lanes.jsonl"


def read_replicas(path):
    from analog_nmos.dense_trainer import EXPERIMENT
    from common.experiment.replicas import read_replicas as read

    return read(EXPERIMENT, path, {})


# --- magnetoionic ------------------------------------------------------------------------------------------------


def device_curve(folder):
    x = np.arange(28.0)
    rows = [f"{pulse:g},{value:.6g}" for pulse, value in zip(x, 0.75 + 1.53 * np.exp(-x / 9.741), strict=True)]
    (folder / "curve.csv").write_text("\n".join(["pulses,value", *rows]) + "\n")
    return folder / "curve.csv"


def read_device_curve(path):
    from magnetoionic.devices.measured import FITS, fit, read_curve

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
    from psa_resmlp.training.config import TrainConfig
    from psa_resmlp.training.replica import Replica

    config = TrainConfig(arch="[2*6]", dataset="digits", ablation_mode="hidden")
    return Replica(config, config.architecture, 1, 0)


def psa_checkpoint(folder):
    import torch

    from psa_resmlp.model.network import shapes
    from psa_resmlp.training.checkpoint import save
    from psa_resmlp.training.model_folder import path_of
    from psa_resmlp.training.replica import Loop

    job = psa_job()
    job.take(Loop(1, "hidden", 0.5, 80.0, 300, True, 300, 1, 1, 2, 0.5))
    network = {name: torch.full(shape, 0.5) for name, shape in shapes(job.architecture, job.config.family).items()}
    save(path_of(folder, 1, 1), job, network, 360)
    return path_of(folder, 1, 1)


def read_psa_checkpoint(path):
    from psa_resmlp.training.restore import load

    return load(path, psa_job())


def psa_trials(folder):
    from psa_resmlp.study.architectures import parse
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
