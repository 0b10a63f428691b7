"""Both sweeps: their runs in this process, and a few whole ones with workers."""

import csv
import dataclasses
import io
import json

import pytest

from aanntwin import estimate
from aanntwin.config import Nonidealities
from aanntwin.data import load_split
from aanntwin.normalize import normalize
from aanntwin.scripts import design_runs, noise_runs, sweep_model_parameters
from aanntwin.scripts.design_rows import HEADER, take_over
from aanntwin.scripts.noise_runs import TESTING, TESTS, TRAINING
from aanntwin.trainer import evaluate, train
from common.errors import InputError
from common.runs.outcome import Outcome, read_outcome, write_outcome
from common.sweeps import Options

NOISE = "aanntwin.scripts.sweep_noise"
DESIGNS = "aanntwin.scripts.sweep_model_parameters"
DIGITS = ("--dataset_name", "digits")


@pytest.fixture
def noise_run(trained, tmp_path):
    """A run of the noise sweep with the shared settings, as a function of what differs."""
    settings, _ = trained

    def run(name, noise, **changes):
        plan = noise_runs.Plan(settings, count_epoch=2, cache=tmp_path / "cache", **changes)
        spec = next(spec for spec in noise_runs.specs(plan) if spec.config["training_noise"] == noise)
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return spec, folder, noise_runs.train_and_test(json.loads(json.dumps(spec.config)), folder)

    return run


def lines_of(folder):
    return [json.loads(line) for line in (folder / TESTS).read_text().splitlines()]


def test_levels_are_those_of_the_specification():
    assert ("none", "0", *(f"0.{n}" for n in range(1, 10)), "1.0") == TRAINING
    assert len(TESTING) == 102
    assert TESTING[:4] + TESTING[-2:] == ("none", "0", "0.01", "0.02", "0.99", "1.00")


def test_a_run_of_the_noise_sweep_equals_the_steps_by_hand(noise_run, trained):
    settings, _ = trained
    _, folder, result = noise_run("run", "0.3", noise_type="linear_out", reference=0.5)
    by_hand = settings.replace(training_nonidealities=Nonidealities(input_noise=0.3))
    weights, _ = normalize(train(by_hand, 2), by_hand, load_split(settings, train=True)[0], 0.5)
    loss, accuracy = evaluate(weights, settings, *load_split(settings, train=False))
    assert result["loss"] == pytest.approx(loss, rel=1e-5)
    assert result["accuracy"] == pytest.approx(accuracy, abs=0.003)
    (tests,) = lines_of(folder)
    assert tests["none"] == tests["0"] == [result["loss"], result["accuracy"]]
    circuit = Nonidealities(linear_out_noise=0.5)
    accuracies = [
        evaluate(weights, settings, *load_split(settings, train=False), nonidealities=circuit, draw=draw)[1]
        for draw in range(10)
    ]
    mean = sum(accuracies) / len(accuracies)
    assert tests["0.50"][1] == pytest.approx(mean, abs=0.08)
    assert tests["1.00"][1] < tests["0.50"][1] < tests["none"][1]


@pytest.mark.parametrize("noise_type", list(noise_runs.NOISE_TYPES))
def test_every_noise_type_acts(noise_run, noise_type):
    _, folder, _ = noise_run("run", "none", noise_type=noise_type)
    (tests,) = lines_of(folder)
    assert tests["1.00"][0] > tests["none"][0]


def test_a_noise_run_that_was_killed_goes_on_with_the_next_repetition(noise_run):
    noise_run("whole", "none", runs_per_point=3)
    _, folder, _ = noise_run("cut", "none", runs_per_point=3)
    whole = (folder / TESTS).read_bytes()
    assert whole == (folder.parent / "whole" / TESTS).read_bytes()
    first, second, _ = whole.splitlines(keepends=True)
    (folder / TESTS).write_bytes(first + second[:40])  # a kill in the middle of a line
    marked = first.replace(b"none", b"nine")  # the first line is kept, not made again
    noise_run("cut", "none", runs_per_point=3)
    assert (folder / TESTS).read_bytes() == whole
    (folder / TESTS).write_bytes(marked)
    with pytest.raises(KeyError):
        noise_run("cut", "none", runs_per_point=3)


def test_repetitions_have_draws_of_their_own(noise_run):
    spec, folder, _ = noise_run("run", "none", runs_per_point=2)
    results = noise_runs.gather([(spec, folder)])
    assert list(results) == ["none"]
    assert list(results["none"]) == list(TESTING)
    first, second = results["none"]["1.00"]
    assert first != second
    assert json.loads(noise_runs.as_json(results))["none"]["1.00"] == [list(first), list(second)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("out.txt",), "allowed: a name that ends in .json"),
        (("out.json", "--noise_type", "output"), "is not one of input, conv2d_out"),
        (("out.json", "--training_nonidealities_input_noise", 0.1), "is what the sweep varies"),
        (("out.json", "--runs_per_point", 0), "not a whole number of 1 or more"),
        ((), "required: OUT"),
    ],
)
def test_sweep_noise_refuses(here, tmp_path, words, message):
    done = here(NOISE, *DIGITS, *words, code=2)
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_dry_runs_write_nothing(here, tmp_path, trained):
    done = here(NOISE, "out.json", *DIGITS, "--count_epoch", 3, "--dry_run", "--workers", 2)
    assert "12 trainings, 12 to do now" in done.out
    assert "36 epochs are not in the cache" in done.out
    assert "(h:mm:ss) on " in done.out
    done = here(DESIGNS, *DIGITS, "--count_epoch", 1, "--dry_run", "--limit", 5)
    assert "1480 designs, 5 to do now" in done.out
    assert not list(tmp_path.iterdir())


def test_estimates_grow_with_the_work(digits):
    small, large = (
        digits.replace(model_params=dataclasses.replace(digits.model_params, conv_out_channels=channels, kernel_size=4))
        for channels in (1, 64)
    )
    assert estimate.operations(large) == 64 * estimate.operations(small)
    assert estimate.measure(large).train > estimate.measure(small).train  # other work on the machine slows both


def test_a_run_of_the_design_sweep_equals_a_training_by_hand(digits, tmp_path):
    plan = design_runs.Plan(digits, 1, save_weights=True)
    spec = design_runs.specs(plan)[700]
    folder = tmp_path / "run"
    folder.mkdir()
    result = design_runs.train_and_test(json.loads(json.dumps(spec.config)), folder)
    params = design_runs.space(plan)[700].params
    settings = digits.replace(model_params=params)
    loss, accuracy = evaluate(train(settings, 1), settings, *load_split(settings, train=False))
    assert result == {"loss": loss, "accuracy": accuracy}
    assert [path.name for path in folder.iterdir()] == ["weights.safetensors"]


def test_additional_layers_and_settings_are_in_the_fingerprint(digits):
    plan = design_runs.Plan(digits, 1)
    deep = dataclasses.replace(digits.model_params, additional_layers=(8,))
    others = [
        dataclasses.replace(plan, settings=digits.replace(model_params=deep)),
        dataclasses.replace(plan, settings=digits.replace(seed=1)),
        dataclasses.replace(plan, settings=digits.replace(testing_nonidealities=Nonidealities(input_noise=0.1))),
        dataclasses.replace(plan, count_epoch=2),
    ]
    assert len({plan.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert dataclasses.replace(plan, settings=digits.replace(threads=2)).fingerprint == plan.fingerprint
    assert design_runs.space(others[0])[0].sizes.widths[-2] == 8


def test_a_results_file_alone_says_what_is_done(digits, tmp_path):
    plan = design_runs.Plan(digits, 1)
    found, runs = design_runs.space(plan), design_runs.specs(plan)
    file, folder = tmp_path / "r.csv", tmp_path / "r.sweep"
    row = [*found[5].cells, "0.5", "0.25", plan.fingerprint]
    file.write_text(",".join(HEADER) + "\n" + ",".join(row) + "\n")
    assert take_over(file, found, runs, folder, plan.fingerprint) == 1
    assert read_outcome(folder / runs[5].folder).result == {"loss": 0.5, "accuracy": 0.25}
    assert take_over(file, found, runs, folder, plan.fingerprint) == 0
    with pytest.raises(InputError, match="other settings"):
        take_over(file, found, runs, folder, "0" * 12)
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not a results file"):
        take_over(file, found, runs, folder, plan.fingerprint)


def test_a_failed_run_ends_with_exit_code_1(digits, tmp_path, capsys):
    plan = design_runs.Plan(digits, 1)
    runs = design_runs.specs(plan)
    for spec in runs:
        (tmp_path / spec.folder).mkdir()
        outcome = Outcome(spec.index, "failed", reason="loss is not finite", kind="error")
        write_outcome(tmp_path / spec.folder, outcome)
    assert sweep_model_parameters.run(plan, None, tmp_path, Options(quiet=True)) == 1
    out, err = capsys.readouterr()
    assert out == ",".join(HEADER) + "\n"
    assert "1480 runs failed, the first: loss is not finite" in err


@pytest.mark.slow
def test_the_noise_sweep_as_a_whole(here, tmp_path):
    words = ("out/noise.json", *DIGITS, "--count_epoch", 1, "--runs_per_point", 2, "--workers", 2)
    part = here(NOISE, *words, "--limit", 2)
    assert "2 of 12 trainings tested" in part.out
    assert list(json.loads((tmp_path / "out/noise.json").read_text())) == ["none", "0"]
    here(NOISE, *words)
    whole = (tmp_path / "out/noise.json").read_bytes()
    results = json.loads(whole)
    assert tuple(results) == TRAINING
    assert all(tuple(tests) == TESTING for tests in results.values())
    assert all(len(runs) == 2 and len(runs[0]) == 2 for tests in results.values() for runs in tests.values())
    assert (tmp_path / "out/noise.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "cache/models").iterdir())) == 12
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob(TESTS)}
    here(NOISE, *words)
    assert (tmp_path / "out/noise.json").read_bytes() == whole
    assert {
        path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob(TESTS)
    } == times  # nothing was done again
    refused = here(NOISE, *words, "--seed", 3, code=2)
    assert "holds another sweep" in refused.err


@pytest.mark.slow
def test_the_design_sweep_as_a_whole(here, tmp_path):
    words = ("r.csv", *DIGITS, "--count_epoch", 1, "--workers", 2)
    first = here(DESIGNS, *words, "--limit", 3)
    rows = list(csv.DictReader(io.StringIO(first.out)))
    assert len(rows) == 3
    assert (tmp_path / "r.csv").read_text() == first.out
    assert [int(row["multipliers"]) for row in rows] == [14, 19, 26]
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    (tmp_path / "r.sweep").rename(tmp_path / "away")  # the file alone is enough
    second = here(DESIGNS, *words, "--limit", 1)
    assert second.out.startswith(first.out)
    assert len(second.out.splitlines()) == 5
    assert "other settings" in here(DESIGNS, *words, "--seed", 1, code=2).err
