"""What users of the published program type, and the files that they have and expect, at the command line."""

import json
import re

import numpy as np
import pytest
import torch

from aanntwin.config import ModelParams, Nonidealities
from aanntwin.data import load_split
from aanntwin.quantization import quantize
from aanntwin.scripts import design_runs, noise_runs, sweep_model_parameters
from aanntwin.scripts.design_rows import EARLIER, HEADER, take_over
from aanntwin.scripts.design_space import designs
from aanntwin.scripts.noise_runs import TESTING, TESTS, TRAINING
from aanntwin.scripts.published import design_key, read_noise
from aanntwin.scripts.training import Prints
from aanntwin.trainer import evaluate
from aanntwin.weights import initial_weights, load_weights, save_weights
from common.errors import InputError
from common.runs import load_run
from common.runs.outcome import read_outcome
from common.sweeps import Options

MAIN = "aanntwin.main"
SCRIPTS = "aanntwin.scripts."
NOISE, DESIGNS = SCRIPTS + "sweep_noise", SCRIPTS + "sweep_model_parameters"
DIGITS = ("--dataset_name", "digits", "--threads", 1)
IDLE = (*DIGITS, "--count_epoch", 0)
OPTIONAL = ("input_noise", "relu_out_noise", "linear_out_noise", "conv2d_out_noise", "linear_input_clip",
            "conv2d_input_clip")  # fmt: skip


@pytest.fixture
def start_weights(digits, tmp_path):
    weights = initial_weights(digits)
    save_weights(tmp_path / "w.safetensors", weights, digits.model_params)
    return weights


# Weight files by suffix, read by content.


@pytest.mark.parametrize(
    ("name", "is_torch"), [("w.pth", True), ("W.PT", True), ("w.safetensors", False), ("w", False)]
)
def test_output_path_names_the_kind_of_file(here, digits, tmp_path, name, is_torch):
    here(MAIN, *IDLE, "--output_path", name)
    assert (tmp_path / name).read_bytes().startswith(b"PK") == is_torch
    found, wanted = load_weights(tmp_path / name), initial_weights(digits)
    assert all(torch.equal(found[key], value) for key, value in wanted.items())
    if is_torch:  # as the published program reads it
        plain = torch.load(tmp_path / name, weights_only=True)
        assert list(plain) == ["conv2d_weight", "conv2d_bias", "linear_weight", "linear_bias"]


def test_quantize_and_normalize_write_pth_too(here, start_weights, tmp_path):
    here(SCRIPTS + "quantize", "w.safetensors", "q.pth", 3, 2, 3, 2)
    assert set(torch.load(tmp_path / "q.pth", weights_only=True)) == set(start_weights)
    (tmp_path / "q.pth").rename(tmp_path / "q.safetensors")  # the name does not matter for reading
    here(SCRIPTS + "normalize", "q.safetensors", *DIGITS, "--output_path", "n.pth")
    assert "Accuracy" in here(SCRIPTS + "test_only", "n.pth", *DIGITS).out


# Options without a value, and lists of no words.


def test_optional_values_left_out_mean_none(here, tmp_path):
    words = [f"--{group}_nonidealities_{name}" for group in ("training", "testing") for name in OPTIONAL]
    here(MAIN, *IDLE, *words, "--print_rate", "--output_path", "--run-dir", "run")
    config = load_run(tmp_path / "run").config
    assert {config[word[2:]] for word in words} == {None}
    assert config["print_rate"] is config["output_path"] is None
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_number_with_a_sign_and_an_exponent_is_a_number(here, tmp_path):
    here(MAIN, *IDLE, "--testing_nonidealities_linear_input_nonlin", 0, 1, "-2e-3", "--run-dir", "run")
    assert load_run(tmp_path / "run").config["testing_nonidealities_linear_input_nonlin"] == [0, 1, -0.002]


def test_a_list_of_no_words_is_empty(here, tmp_path):
    here(MAIN, *IDLE, "--model_params_additional_layers", "--run-dir", "run")
    assert load_run(tmp_path / "run").config["model_params_additional_layers"] == []


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_a_polynomial_of_no_powers_makes_the_input_zero(here, digits, start_weights, engine):
    """Then the logits are the last layer's biases for every image."""
    words = (*DIGITS, "--nonidealities_linear_input_nonlin")
    done = here(SCRIPTS + "test_only", "w.safetensors", *words)
    _, labels = load_split(digits, train=False)
    logits = start_weights["linear_bias"].expand(len(labels), 10)
    loss = float(torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels.copy())))
    assert done.out.splitlines()[0] == f"Average Loss:  {loss:.6f}"
    settings = digits.replace(engine=engine, device="cpu")
    circuit = Nonidealities(linear_input_nonlin=())
    found, _ = evaluate(start_weights, settings, *load_split(digits, train=False), nonidealities=circuit)
    assert found == pytest.approx(loss, rel=1e-5)
    assert circuit == Nonidealities(linear_input_nonlin=(0.0,)) != Nonidealities()


def test_null_in_a_json_file_is_a_value_left_out(here, tmp_path):
    (tmp_path / "m.json").write_text('{"additional_layers": null, "stride": 2}')
    (tmp_path / "n.json").write_text('{"input_noise": null, "linear_input_nonlin": null}')
    here(MAIN, *IDLE, "--model_params_json", "m.json", "--testing_nonidealities_json", "n.json", "--run-dir", "run")
    config = load_run(tmp_path / "run").config
    assert config["model_params_additional_layers"] == []
    assert config["testing_nonidealities_linear_input_nonlin"] is None
    (tmp_path / "m.json").write_text('{"stride": null}')
    assert "stride is null" in here(MAIN, *IDLE, "--model_params_json", "m.json", code=2).err


# test_bits


def test_test_bits_looks_at_the_linear_weight_and_prints_as_published(here, digits, start_weights, tmp_path):
    done = here(SCRIPTS + "test_bits", "w.safetensors", *DIGITS, "--format", "published")
    first, header, *rows = done.out.splitlines()
    images, labels = load_split(digits, train=False)
    assert first == f"Unlimited Accuracy: {evaluate(start_weights, digits, images, labels)[1]!r}"
    assert header == "ref,float,0,1,2,3,4,5,6,7"
    assert len(rows) == 30
    assert all(row.endswith(",") and row.count(",") == 10 for row in rows)
    tensor = start_weights["linear_weight"]
    spread = float(np.std(tensor.numpy().astype(float), ddof=1))
    refs = [float(row.split(",")[0]) for row in rows]
    np.testing.assert_allclose(refs, np.linspace(0.1 * spread, 3 * spread, 30), rtol=1e-6)
    cells = [float(cell) for cell in rows[9].split(",")[:-1]]
    for cell, changed in ((cells[1], tensor.clamp(-refs[9], refs[9])), (cells[4], quantize(tensor, 2, refs[9]))):
        accuracy = evaluate({**start_weights, "linear_weight": changed}, digits, images, labels)[1]
        assert cell == pytest.approx(accuracy, abs=0.003)
    assert not (tmp_path / "results").exists()


def test_test_bits_takes_a_tensor_for_a_layer(here, start_weights):
    done = here(SCRIPTS + "test_bits", "w.safetensors", *DIGITS, "--layer", "conv2d_bias", "--format", "published")
    ref = float(done.out.splitlines()[2].split(",")[0])
    assert ref == pytest.approx(0.1 * float(start_weights["conv2d_bias"].double().std()))
    words = ("--layer", "conv2d_bias", "--type", "weight")
    assert "contradict" in here(SCRIPTS + "test_bits", "w.safetensors", *DIGITS, *words, code=2).err


# generate_csv


def test_generate_csv_in_the_published_format(here):
    header, *rows = here(SCRIPTS + "generate_csv", "--format", "published").out.splitlines()
    wanted = "conv_out_channels,kernel_size,stride,padding,pool_size,in_size,feature_count,conv_out_size,pool_out_size,"
    assert header == wanted + "final_size,"
    assert len(rows) == 1480
    cells = [[int(cell) for cell in row.split(",")[:-1]] for row in rows]
    assert cells == sorted(cells)
    assert [4, 6, 2, 1, 1, 28, 10, 13, 13, 676] in cells
    assert all(row.endswith(",") for row in rows)


def test_no_column_of_ours_is_named_features(here):
    header = here(SCRIPTS + "generate_csv").out.splitlines()[0].split(",")
    assert "features" not in header
    assert header[7] == "final_size"


# --timed and --print_git_info


@pytest.mark.parametrize("tool", ["generate_csv", "test_only", "sweep_noise", "sweep_model_parameters"])
def test_every_published_tool_tells_its_commit_and_its_time(here, start_weights, tool):
    words = {"test_only": ("w.safetensors", *DIGITS), "generate_csv": ()}
    dry = (*DIGITS, "--dry_run", "--limit", 1)
    given = words.get(tool, ("o.json", *dry) if tool == "sweep_noise" else dry)
    done = here(SCRIPTS + tool, *given, "--timed", "--print_git_info")
    told = done.out if tool == "test_only" else done.err  # which leaves the CSV of others as it is
    assert re.search(r"^git: (\w{40}|not a checkout)", told, re.MULTILINE)
    assert re.search(r"^total: \d+\.\d{3} s$", told, re.MULTILINE)


# The sweeps' other options


def test_the_noise_sweep_takes_every_published_option(here, tmp_path):
    more = ("--print_rate", "--test_each_epoch", "--no_cache", "--output_path", "w.pth")
    done = here(NOISE, "o.json", *DIGITS, "--dry_run", "--limit", 1, "--count_epoch", 1, *more)
    assert "--output_path has no effect here; the results go to o.json" in done.err
    assert "12 trainings" in done.out
    assert not list(tmp_path.iterdir())


def test_a_run_of_the_noise_sweep_tells_losses_and_tests(digits, tmp_path, capsys):
    prints = Prints(print_rate=700, test_each_epoch=True)
    plan = noise_runs.Plan(digits, count_epoch=2, cache=None, prints=prints)
    noise_runs.train_and_test(noise_runs.specs(plan)[0].config, tmp_path)
    out = capsys.readouterr().out
    assert out.count("Average Loss:") == 2
    assert re.findall(r"epoch (\d), step (\d+): loss", out) == [(e, s) for e in "12" for s in ("700", "1400", "1437")]
    silent = noise_runs.specs(noise_runs.Plan(digits, count_epoch=2, cache=None))[0].config
    assert "print_rate" not in silent  # so that sweeps of earlier versions go on


def test_a_run_of_the_design_sweep_without_cache_and_with_losses(digits, tmp_path, capsys):
    runs = [
        design_runs.specs(design_runs.Plan(digits, 1, **more))[0]
        for more in ({}, {"no_cache": True, "print_rate": 1000})
    ]
    results = []
    for number, spec in enumerate(runs):
        (tmp_path / str(number)).mkdir()
        results.append(design_runs.train_and_test(spec.config, tmp_path / str(number)))
    assert results[0] == results[1]
    assert re.findall(r"step (\d+)", capsys.readouterr().out) == ["1000", "1437"]
    assert set(runs[1].config) - set(runs[0].config) == {"no_cache", "print_rate"}


def test_the_design_sweep_takes_every_published_option(here):
    more = ("--print_rate", "--no_cache", "--model_params_additional_layers")
    done = here(DESIGNS, *DIGITS, "--dry_run", "--limit", 1, *more)
    assert "1480 designs, 1 to do now" in done.out


# The design sweep's JSON database


@pytest.fixture
def few_designs(monkeypatch):
    """The design space has ten designs."""
    monkeypatch.setattr(design_runs, "designs", lambda *shape: designs(*shape)[:10])


@pytest.fixture
def finished_designs(digits, tmp_path, few_designs):
    """A function that runs a plan whose designs are all in FILE; returns the exit code."""

    def run(content, name="r.json"):
        plan = design_runs.Plan(digits, 1)
        (tmp_path / name).write_text(json.dumps(content))
        return sweep_model_parameters.run(plan, tmp_path / name, tmp_path / "r.sweep", Options(quiet=True, limit=1))

    return run


def test_keys_of_designs_are_the_published_ones():
    assert design_key(ModelParams()) == "4_6_2_1_1_None"
    assert design_key(ModelParams(additional_layers=(8, 4))) == "4_6_2_1_1_[8, 4]"


def test_a_published_database_is_read_and_null_is_missing(digits, tmp_path):
    plan = design_runs.Plan(digits, 1)
    found, runs = design_runs.space(plan), design_runs.specs(plan)
    keys = [design_key(design.params) for design in found]
    file, folder = tmp_path / "r.json", tmp_path / "r.sweep"
    file.write_text(json.dumps({keys[0]: None, keys[5]: 0.25, "9_9_9_9_9_None": 0.5}))
    assert take_over(file, found, runs, folder, plan.fingerprint) == 1
    assert read_outcome(folder / runs[5].folder).result == {"loss": None, "accuracy": 0.25}
    assert read_outcome(folder / runs[0].folder) is None
    for wrong in ({keys[0]: "x"}, {keys[0]: 25}, {keys[0]: True}, {keys[0]: [0.1]}):
        file.write_text(json.dumps(wrong))
        with pytest.raises(InputError, match="allowed: null, or 0 to 1"):
            take_over(file, found, runs, folder, plan.fingerprint)


def test_a_database_is_written_and_keeps_what_it_had(digits, tmp_path, finished_designs, capsys):
    keys = [design_key(design.params) for design in design_runs.space(design_runs.Plan(digits, 1))]
    content = dict.fromkeys(keys, 0.5) | {"9_9_9_9_9_None": 0.75}
    assert finished_designs(content) == 0
    assert json.loads((tmp_path / "r.json").read_text()) == content
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == ",".join(HEADER)
    assert all(",,0.500000," in row for row in rows[1:])  # a database has no losses


def test_the_name_of_the_file_and_its_format_belong_together(here):
    assert "ends in .json" in here(DESIGNS, "r.csv", *DIGITS, "--format", "published", code=2).err
    assert "ends in .csv" in here(DESIGNS, "r.json", *DIGITS, code=2).err


def test_results_files_of_earlier_versions_are_read(digits, tmp_path):
    plan = design_runs.Plan(digits, 1)
    found, runs = design_runs.space(plan), design_runs.specs(plan)
    assert "features" in EARLIER
    lines = [
        EARLIER,
        [*found[5].cells, "0.5", "0.25", plan.fingerprint],
        [*found[6].cells, "nan", "0.1", plan.fingerprint],
    ]
    (tmp_path / "r.csv").write_text("".join(f"{','.join(line)}\n" for line in lines))
    assert take_over(tmp_path / "r.csv", found, runs, tmp_path / "r.sweep", plan.fingerprint) == 1
    (tmp_path / "r.csv").write_text("".join(f"{','.join(line)}\n" for line in lines).replace("0.25", "x"))
    with pytest.raises(InputError, match="not a loss and an accuracy"):
        take_over(tmp_path / "r.csv", found, runs, tmp_path / "r.sweep", plan.fingerprint)


# The noise sweep's JSON


def noise_results(names, pairs=((0.5, 0.9), (0.6, 0.8))):
    """Results under keys that `names` makes of our words."""
    return {names(train): {names(test): [list(pair) for pair in pairs] for test in TESTING} for train in TRAINING}


def published_name(word):
    return "null" if word == "none" else str(float(word))


@pytest.mark.parametrize("names", [published_name, str])
def test_noise_results_are_read_in_both_forms_of_keys(tmp_path, names):
    content = noise_results(names)
    content[names("0.3")][names("0.07")] = None
    content[names("0.4")] = None
    content[names("0.5")][names("1.00")] = [[None, 0.1], [0.5, 0.9]]
    content[names("0.6")] = {test: pairs[0] for test, pairs in content[names("0.6")].items()}  # one pair, no list
    (tmp_path / "o.json").write_text(json.dumps(content))
    found = read_noise(tmp_path / "o.json", TRAINING, TESTING)
    assert set(found) == set(TRAINING) - {"0.3", "0.4", "0.5"}
    assert tuple(found["none"]) == TESTING
    assert found["0.1"]["0.07"] == [(0.5, 0.9), (0.6, 0.8)]
    assert found["0.6"]["0.07"] == [(0.5, 0.9)]
    (tmp_path / "o.json").write_text(json.dumps({"0.0625": {}}))
    with pytest.raises(InputError, match=r"training noise '0.0625', which is not in this sweep"):
        read_noise(tmp_path / "o.json", TRAINING, TESTING)


def test_a_noise_sweep_goes_on_from_a_published_file_and_writes_one(here, tmp_path):
    content = noise_results(published_name)
    (tmp_path / "o.json").write_text(json.dumps(content, indent=4))
    words = ("o.json", *DIGITS, "--count_epoch", 1, "--format", "published")
    done = here(NOISE, *words, "--runs_per_point", 2)
    assert "12 trainings are taken from o.json, which does not record its settings" in done.err
    assert json.loads((tmp_path / "o.json").read_text()) == content
    assert (tmp_path / "o.png").is_file()
    assert len(list(tmp_path.glob(f"o.sweep/run_*/{TESTS}"))) == 12
    ours = here(NOISE, *words[:-2], "--runs_per_point", 2)
    assert "12 of 12 trainings tested" in ours.out
    assert tuple(json.loads((tmp_path / "o.json").read_text())) == TRAINING
