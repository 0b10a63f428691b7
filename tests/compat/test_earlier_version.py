"""Work that an earlier version left is read, and goes on to the numbers with which that version would have ended.

`make_fixtures.sh` says how it was made and with which version.
"""

import re
from pathlib import Path

import digest
import pytest

from analog_nmos.backends.ngspice_library import find_library
from common.errors import InputError
from common.runs import load_run, load_runs

FIXTURES = Path(__file__).with_name("fixtures")
# On another processor, or with other versions of the libraries, the last bits differ, and training carries that on:
# little in analog_nmos, which computes in double precision (metrics.csv has ten digits), more in the others.
TOLERANCE = {"analog_nmos": 1e-9, "magnetoionic": 1e-2, "aanntwin": 1e-2, "psa_resmlp": 1e-2, "corruption_study": 1e-2}
STATUS = {
    "analog_nmos": {
        "stopped": "interrupted",
        "done": "done",
        "pruned": "interrupted",
        "killed": "dead",
        "prototype": "interrupted",
        "spice": "interrupted",
        "lanes/lane_0000": "interrupted",
        "lanes/lane_0001": "interrupted",
        "sweep/run_0000_seed0_g3_d0.1_m0.02_btfloating_vgfix4": "done",
        "sweep/run_0001_seed0_g3_d0.1_m0.02_btfloating_vgrand1to6": "done",
        "sweep/run_0003_seed1_g3_d0.1_m0.02_btfloating_vgrand1to6": "dead",
    },
    "aanntwin": {"cached": "interrupted", "uncached": "interrupted", "done": "done"},
    "psa_resmlp": {
        "trials": "interrupted",
        "first": "done",
        "second": "interrupted",
        "study/run_0000_1x8_none_trial01": "done",
        "study/run_0001_1x8_none_trial02": "done",
        "study/run_0002_1x8_hidden_trial01": "interrupted",
    },
    "corruption_study": {
        "campaign/run_0000_mlp_relu_p0.0_r0": "done",
        "campaign/run_0001_mlp_relu_p0.0_r1": "done",
        "campaign/run_0002_mlp_relu_p0.5_r0": "interrupted",
    },
    "magnetoionic": {
        "stopped": "interrupted",
        "two-fields": "interrupted",
        "done": "done",
        "curve": "interrupted",
        "figure/run_0000_double-linear_lr500": "done",
        "figure/run_0001_double-linear_lr1000": "done",
        "figure/run_0002_double-exponential_lr500": "interrupted",
    },
}
# Sweeps: suite, folder, and how many runs of it are done.
SWEEPS = {
    "sweep": ("analog_nmos", 2),
    "noise.sweep": ("aanntwin", 2),
    "study": ("psa_resmlp", 2),
    "campaign": ("corruption_study", 2),
    "figure": ("magnetoionic", 2),
}
RESUMED = {
    "stopped": ("analog_nmos", "dense_trainer"),
    "pruned": ("analog_nmos", "auto_prune_trainer"),
    "killed": ("analog_nmos", "dense_trainer_cross_entropy"),
    "prototype": ("analog_nmos", "dense_trainer_avgappr"),
    "lanes/lane_0000": ("analog_nmos", "dense_trainer"),
    "lanes/lane_0001": ("analog_nmos", "dense_trainer"),
    "trials": ("psa_resmlp", "train"),
    "second": ("psa_resmlp", "train"),
    "simulation": ("magnetoionic", "main"),
    "two-fields": ("magnetoionic", "main"),
    "curve": ("magnetoionic", "main"),
}
MODEL = """--dataset_name digits --threads 1 --model_params_conv_out_channels 2 --model_params_kernel_size 4
    --model_params_stride 4 --model_params_padding 2""".split()
TWIN = """--count_epoch 3 --quiet --train_params_lr 0.01 --train_params_momentum 0.5
    --training_nonidealities_input_noise 0.1 --training_nonidealities_relu_out_noise 0.1""".split()
SWEEP_COMMANDS = {
    "sweep": """analog_nmos.dense_sweep --seed 0,1 --gamma 3 --delta 0.1 --margin 0.02 --body-tie floating
        --vg fix4,rand1to6 --train-limit 24 --test-limit 12 --epochs 3 --retry-failed --sweep-dir sweep""".split(),
    "noise.sweep": [
        *("aanntwin.scripts.sweep_noise", "noise.json", *MODEL),
        *"--count_epoch 1 --runs_per_point 2 --limit 2".split(),
    ],
    "study": """psa_resmlp.sweep --arch 1*8 --ablation-mode none,hidden --trial 1,2 --dataset digits --lr 0.003
        --batch-size 16 --meta-loops 3 --stack 1 --sweep-dir study""".split(),
    "campaign": """corruption_study.run_experiments --dataset digits --activations relu --repeats 2 --epochs 3
        --ps 0 0.5 --hidden-sizes 8 --max-train-samples 300 --stack 1 --output-dir campaign""".split(),
    "figure": """magnetoionic.sweep --figure 2 --lr 500,1000 --field double-linear,double-exponential --hidden 4
        --task digits --batch_size 256 --n_models 1 --epochs 2 --sweep-dir figure""".split(),
}


def check(suite, place, name, exact=True):
    """The run in place/name ended as the earlier version's did."""
    expected, same_machine = digest.read(FIXTURES / f"{suite}.json")
    found = digest.digest(place / name)
    exact = exact and same_machine
    assert digest.differences(found, expected[name], exact=exact, tolerance=TOLERANCE[suite]) == []


@pytest.mark.parametrize("suite", STATUS)
def test_runs_are_read(unpacked, here, suite):
    place = unpacked(suite)
    parents = sorted({str((place / name).parent) for name in STATUS[suite]})
    listed = here("common.browse", "runs", *parents).out
    assert listed.splitlines()[-1].startswith(f"{len(STATUS[suite])} runs: ")
    for name, status in STATUS[suite].items():
        (line,) = [line for line in listed.splitlines() if line.endswith(f"/{name}")]
        assert line.split()[0] == status
        record = load_run(place / name)
        assert record.status == status
        assert bool(record.result) == (status == "done" or record.meta.get("chain") is not None)
        assert f"status {status}" in " ".join(here("common.browse", "show", place / name).out.split())
    table = load_runs([place / name for name in STATUS[suite]])
    assert table["status"].tolist() == list(STATUS[suite].values())
    for name, status in STATUS[suite].items():
        if status == "done":
            check(suite, place, name)


@pytest.mark.parametrize("folder", SWEEPS)
def test_sweeps_are_read(unpacked, here, folder):
    suite, done = SWEEPS[folder]
    unpacked(suite)
    assert re.search(rf"\b{done} done\b", here("common.browse", "table", folder, "--no-plots").out)


@pytest.mark.parametrize("name", RESUMED)
def test_an_interrupted_run_is_resumed(unpacked, here, name):
    suite, module = RESUMED[name]
    place, folder = unpacked(suite), {"simulation": "stopped"}.get(name, name)
    here(f"{suite}.{module}", "--resume", folder, "--quiet")
    assert load_run(place / folder).status == "done"
    check(suite, place, folder)


def test_an_interrupted_run_on_ngspice_is_resumed(unpacked, here):
    try:
        find_library()
    except InputError:
        pytest.skip("libngspice is not installed; scripts/setup.sh does it")
    place = unpacked("analog_nmos")
    here("analog_nmos.dense_trainer", "--resume", "spice", "--quiet")
    check("analog_nmos", place, "spice", exact=False)  # another version of ngspice may round differently


@pytest.mark.parametrize("name", ["cached", "uncached"])
def test_the_command_of_a_twin_goes_on_from_its_cache(unpacked, here, name):
    place = unpacked("aanntwin")
    words = ("--no_cache",) if name == "uncached" else ()
    here("aanntwin.main", *MODEL, *TWIN, *words, "--run-dir", name)
    check("aanntwin", place, name)
    cached = load_run(place / name).metrics["cached"].tolist()
    assert cached == ([1, 1, 0] if name == "cached" else [0, 0, 0])


@pytest.mark.parametrize("folder", SWEEPS)
def test_a_sweep_goes_on_at_its_next_start(unpacked, here, folder):
    suite, _ = SWEEPS[folder]
    place = unpacked(suite)
    finished = [path.parent for path in place.glob(f"{folder}/*/DONE")]
    before = {path: path.stat().st_mtime_ns for one in finished for path in one.iterdir()}
    module, *words = SWEEP_COMMANDS[folder]
    here(module, *words, "--max-workers" if suite == "corruption_study" else "--workers", 1, "--quiet")
    assert {path: path.stat().st_mtime_ns for path in before} == before  # what was done has not been done again
    expected, _ = digest.read(FIXTURES / f"{suite}.json")
    runs = [name for name in expected if name.startswith(f"{folder}/")]
    assert len(runs) == len(list(place.glob(f"{folder}/*/DONE"))) == 4
    for name in runs:
        check(suite, place, name)
