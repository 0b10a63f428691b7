"""Tiny trainings of every suite whose numbers are kept in golden.json, to the last digit.

    PYTHONPATH=. python tests/compat/golden.py

makes the file anew, with the code that PYTHONPATH names: only where a change of numbers is meant, and then the
CHANGELOG says so. It was made with commit 13fa73b.
"""

import contextlib
import importlib
import io
import sys
import tempfile
from pathlib import Path

import digest

FILE = Path(__file__).with_name("golden.json")
NMOS = "--backend native --epochs 2 --train-limit 16 --test-limit 10 --quiet"
TWIN = """--dataset_name digits --threads 1 --count_epoch 1 --no_cache --quiet --train_params_lr 0.01
    --output_path twin.safetensors --model_params_kernel_size 4 --model_params_stride 4 --model_params_padding 2"""
NOISES = " ".join(
    f"--{kind}_nonidealities_{name}"
    for kind in ("training", "testing")
    for name in (
        "input_noise 0.1",
        "relu_cutoff 0.05",
        "relu_out_noise 0.1",
        "linear_out_noise 0.2",
        "conv2d_out_noise 0.1",
        "linear_input_clip 0.6",
        "conv2d_input_clip 0.8",
        "linear_input_nonlin 0.01 1.0 0.05 -0.02",
        "conv2d_input_nonlin 0.0 0.9 0.1",
    )
)
PSA = """--arch [1*8] --dataset digits --lr 0.003 --batch-size 16 --threads 1 --stack 2 --trials 2 --quiet
    --meta-loops 3 --model-dir models"""
DEVICES = "--task digits --n_models 1 --layers 8 --batch_size 64 --lr 1000 --threads 1 --quiet --epochs 2"
COMMANDS = {
    "nmos hinge": f"analog_nmos.dense_trainer 1 {NMOS} --gamma 3 --delta 0.1 --body-tie source --vg-init fixed",
    "nmos hinge, floating": f"analog_nmos.dense_trainer 2 {NMOS} --gamma 3 --delta 0.05 --body-tie floating",
    "nmos cross entropy": f"analog_nmos.dense_trainer_cross_entropy 1 {NMOS} --val-split 0.05 --final-test",
    "nmos prototype": f"analog_nmos.dense_trainer_avgappr 1 {NMOS}",
    "nmos pruned": f"analog_nmos.auto_prune_trainer 5 {NMOS} --vg-init-lo 0.5 --vg-init-hi 2.5 --gamma 3"
    " --vg-cutoff-epochs 1 --vg-cutoff-ratio 1.2",
    "twin": f"aanntwin.main {TWIN} --train_params_momentum 0.5 --train_params_batch_size 4 --shuffle --test_each_epoch",
    "twin, every nonideality": f"aanntwin.main {TWIN} {NOISES} --train_params_weight_decay 0.001",
    "twin, deep": f"aanntwin.main {TWIN} --model_params_pool_size 2 --model_params_additional_layers 7"
    " --training_nonidealities_relu_out_noise 0.1 --compat published --normalize",
    "twin, torch": f"aanntwin.main {TWIN} --engine torch --train_params_batch_size 32 --device cpu"
    " --training_nonidealities_input_noise 0.1",
    **{
        f"psa {mode}": f"psa_resmlp.train {PSA} --ablation-mode {mode} --seed 3"
        for mode in ("none", "decay", "dropout", "full", "hidden", "output")
    },
    "psa plain": f"psa_resmlp.train {PSA} --family mlp --ablation-mode full --compat adamw-decay",
    "devices double-linear": f"magnetoionic.main {DEVICES} --clipping 0.1 --resistor_noise 0.015",
    "devices double-exponential": f"magnetoionic.main {DEVICES} --field double-exponential --physical_clipping"
    " --device_noise --resistor_noise 0.015 --relaxation_scale physical",
    "devices two fields": f"magnetoionic.main {DEVICES} --field double-linear double-exponential --layers 5 4",
    "devices single-linear": f"magnetoionic.main {DEVICES} --field single-linear --lr 3",
    "devices single-weak, single-strong": f"magnetoionic.main {DEVICES} --field single-weak single-strong --lr 3",
}
# Settings of a run of a campaign, which its worker trains.
PIXELS = {"dataset": "digits", "epochs": 2, "max_train_samples": 400, "batch_size": 16, "learning_rate": 0.01}
PIXELS |= {"model_type": "mlp", "hidden_sizes": [8], "channels": [2, 3], "hidden": 5}
CAMPAIGN = {
    "pixels, mlp uniform": {"p": 0.4, "test_ps": [0.5]},
    "pixels, mlp gaussian": {"p": 0.4, "corruption": "gaussian", "activation": "tanh"},
    "pixels, mlp salt-pepper": {"p": 0.4, "corruption": "salt-pepper", "activation": "gelu"},
    "pixels, mlp blank": {"p": 0.4, "corruption": "blank", "activation": "sigmoid"},
    "pixels, mlp shuffle-labels": {"p": 0.4, "corruption": "shuffle-labels", "activation": "leaky_relu"},
    "pixels, cnn": {"p": 0.4, "model_type": "cnn", "weight_decay": 0.001},
}
NAMES = (*COMMANDS, *CAMPAIGN)


def train(name):
    """Train one of NAMES in the current, empty folder, and return the digest of all that it leaves there."""
    run = Path("parent", "run")
    if name in CAMPAIGN:
        run.mkdir(parents=True)
        worker = importlib.import_module("corruption_study.worker")
        (ended,) = worker.train([PIXELS | CAMPAIGN[name]], [run])
        if isinstance(ended, Exception):
            raise ended
    else:
        module, *words = COMMANDS[name].split()
        code = importlib.import_module(module).main([*words, "--run-dir", str(run)])
        assert code == 0, name
    return digest.digest(run) | {"arrays": digest.arrays(Path())}


def main():
    """Train them all and write FILE."""
    found = {}
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        for number, name in enumerate(NAMES):
            folder = Path(place, str(number))
            folder.mkdir()
            with contextlib.chdir(folder):
                found[name] = train(name)
    digest.write(FILE, digest.machine(), found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
