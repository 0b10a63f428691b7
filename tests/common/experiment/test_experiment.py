"""One way to run: what the driver, the command and the rules for resuming do with a trainer of two numbers."""

import contextlib
import json
import signal
import sys
from dataclasses import dataclass

import pytest

from common import plugins
from common.cli import option
from common.errors import InputError, Interrupted, RunError
from common.experiment import Experiment, Result, Start, drive, main_of, run_of, sweep_of, train_of
from common.experiment.resume import resumed
from common.plugins import Registry
from common.runs import load_run
from common.runs.files import write_json
from common.runs.metrics import keep_rows
from common.sweeps import Axis

SHAPES = Registry("shape", object, {"line": "builtins:int", "circle": "builtins:float"})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of a sum."""

    seed: int = option(0, "what is added in every epoch", low=0)
    epochs: int = option(3, "epochs", low=1, grows=True)
    breaks: int = option(0, "fail in this epoch", low=0)
    shape: str = option("line", "shape", choices=SHAPES)
    plots: str = option("png", "format of plots", local=True)
    quiet: bool = option(False, "print nothing but errors", local=True)

    def check(self):
        if self.seed == 13:
            raise InputError("argument --seed: 13 brings bad luck")


class Sums:
    """Adds the seed in every epoch; what it did outside of its runs goes into `events`."""

    signal_after = 0
    events: list[str] = []  # noqa: RUF012

    def __init__(self, configs):
        self.configs, self.units = configs, sum(config.epochs for config in configs)

    def facts(self, folders):
        return [{"simulation": folder.name} for folder in folders]

    def begin(self, runs, progress):
        self.runs, self.progress = runs, progress
        self.state = []
        for run in runs:
            file = run.folder / "state.json"
            self.state.append(json.loads(file.read_text()) if file.exists() else {"epoch": 0, "sum": 0})
            keep_rows(run.folder, self.state[-1]["epoch"])

    def advance(self):
        worked = False
        for run, config, state in zip(self.runs, self.configs, self.state, strict=True):
            if run.failure or state["epoch"] == config.epochs:
                continue
            worked = True
            if state["epoch"] + 1 == config.breaks:
                run.finish(RunError(f"epoch {config.breaks}: broken"))
                continue
            state["epoch"] += 1
            state["sum"] += config.seed
            run.metrics({"epoch": state["epoch"], "val_acc": state["sum"] / 100})
            write_json(run.folder / "state.json", state)
            self.progress.advance()
            if state["epoch"] == Sums.signal_after:
                signal.raise_signal(signal.SIGTERM)
        return worked

    def finish(self):
        return [
            None if run.failure else Result("final_val_acc", {"val_acc": state["sum"] / 100, "epoch": state["epoch"]})
            for run, state in zip(self.runs, self.state, strict=True)
        ]


@contextlib.contextmanager
def opened(configs, starts):
    if any(config.seed == 99 for config in configs):
        raise InputError("no data for seed 99")
    yield Sums(configs)
    Sums.events.append("all are done")


@pytest.fixture
def experiment(monkeypatch):
    monkeypatch.setattr(Sums, "signal_after", 0)
    monkeypatch.setattr(Sums, "events", [])
    monkeypatch.delenv("RUN_DIR", raising=False)
    made = Experiment(
        prog="sum-train", package="sums", job="train", description="Add.", config=Config, open="unused:unused",
        score="final_val_acc", replicas={"plots": "pdf"}, gone=("colour",),
    )  # fmt: skip
    monkeypatch.setattr(Experiment, "opened", lambda self, configs, starts: opened(configs, starts))
    return made


@pytest.fixture
def interrupted(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(Sums, "signal_after", 2)
    with pytest.raises(Interrupted, match=r"interrupted by SIGTERM; go on with --resume .*run"):
        run_of(experiment)(Config(seed=5, quiet=True), tmp_path / "run")
    monkeypatch.setattr(Sums, "signal_after", 0)
    assert Sums.events == []
    return tmp_path / "run"


def test_a_run_from_its_configuration_to_its_folder(experiment, tmp_path):
    folder = run_of(experiment)(Config(seed=5, quiet=True), tmp_path / "run")
    record = load_run(folder)
    assert (record.status, record.meta["package"], record.meta["job"]) == ("done", "sums", "train")
    assert record.meta["simulation"] == "run"
    assert record.meta["result"] == {
        "score": "final_val_acc", "final": {"val_acc": 0.15, "epoch": 3}, "selected": None
    }  # fmt: skip
    assert record.metrics["val_acc"].tolist() == [0.05, 0.1, 0.15]
    assert Sums.events == ["all are done"]


def test_nothing_is_made_for_what_cannot_be_opened(experiment, tmp_path):
    with pytest.raises(InputError, match="no data for seed 99"):
        run_of(experiment)(Config(seed=99), tmp_path / "run")
    with pytest.raises(InputError, match="brings bad luck"):
        run_of(experiment)(Config(seed=13), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_interrupted_run_goes_on_to_the_same_numbers(experiment, interrupted, tmp_path):
    assert load_run(interrupted).status == "interrupted"
    assert main_of(experiment)(["--resume", str(interrupted), "--quiet"]) == 0
    whole = run_of(experiment)(Config(seed=5, quiet=True), tmp_path / "whole")
    assert load_run(interrupted).metrics.equals(load_run(whole).metrics)
    assert len(load_run(interrupted).meta["resumed"]) == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"seed": 6}, "--seed 6 differs from the run's 5; start a new run"),
        ({"shape": "circle"}, "--shape 'circle' differs from the run's 'line'"),
        ({"epochs": 2}, "--epochs 2 is less than the run's 3; a resumed run may only raise it"),
    ],
)
def test_what_a_resumed_run_may_not_change(experiment, interrupted, given, text):
    with pytest.raises(InputError, match=text):
        resumed(experiment, interrupted, given)


def test_what_a_resumed_run_may_change(experiment, interrupted):
    config = resumed(experiment, interrupted, {"epochs": 9, "plots": "svg", "seed": 5})
    assert (config.epochs, config.plots, config.seed) == (9, "svg", 5)


def test_folders_of_other_commands_and_versions(experiment, interrupted):
    meta = json.loads((interrupted / "run_meta.json").read_text())

    def changed(config=meta["config"], **facts):
        (interrupted / "run_meta.json").write_text(json.dumps({**meta, "config": config, **facts}))
        return resumed(experiment, interrupted, {})

    earlier = {name: value for name, value in meta["config"].items() if name != "shape"} | {"colour": "red"}
    assert changed(earlier).shape == "line"
    with pytest.raises(InputError, match="has an option flavour"):
        changed({**meta["config"], "flavour": 1})
    with pytest.raises(InputError, match="was not made by sum-train but by sums, other"):
        changed(job="other")
    with pytest.raises(InputError, match="is done; there is nothing to go on with"):
        changed(status="done")


def test_one_of_several_fails_and_the_others_go_on(experiment, tmp_path):
    configs = [Config(seed=seed, breaks=2 if seed == 2 else 0, quiet=True) for seed in (1, 2, 3)]
    ended = drive(experiment, configs, [Start(tmp_path / str(seed)) for seed in (1, 2, 3)])
    assert [load_run(one.folder).status for one in ended] == ["done", "failed", "done"]
    assert [str(one.failure or "") for one in ended] == ["", "epoch 2: broken", ""]
    assert load_run(tmp_path / "3").result["final_val_acc"] == 0.09


@pytest.mark.parametrize("word", ["replica", "lane"])
def test_replicas_from_a_file(experiment, tmp_path, word, capsys):
    file = tmp_path / "some.jsonl"
    file.write_text('{"seed": 1}\n\n{"seed": 2, "plots": "svg"}\n')
    words = [f"--{word}s", str(file), "--epochs", "2", "--quiet", "--run-dir", str(tmp_path / "all")]
    assert main_of(experiment)(words) == 0
    records = [load_run(tmp_path / "all" / f"{word}_000{number}") for number in (0, 1)]
    assert [(one.config["seed"], one.config["plots"]) for one in records] == [(1, "pdf"), (2, "svg")]
    file.write_text('{"sed": 1}\n')
    assert main_of(experiment)(words) == 2
    assert "some.jsonl, line 1: unknown setting 'sed'" in capsys.readouterr().err


def test_what_a_sweeps_worker_does(experiment, interrupted, tmp_path):
    train = train_of(experiment)
    folders = [tmp_path / "new", interrupted, tmp_path / "broken"]
    configs = [{"seed": 4}, {"seed": 5}, {"seed": 6, "breaks": 1}]
    new, old, broken = train(configs, folders)
    assert (new["final_val_acc"], old["final_val_acc"], new["score"], new["score_name"]) == (
        0.12, 0.15, 0.12, "final_val_acc"
    )  # fmt: skip
    assert isinstance(broken, RunError)
    before = (tmp_path / "new" / "run_meta.json").read_bytes()
    assert train(configs[:1], folders[:1]) == [new]
    assert (tmp_path / "new" / "run_meta.json").read_bytes() == before


def test_a_sweep_is_named_by_what_varies(experiment):
    axes = (Axis("seed", (1, 2)), Axis("epochs", (7,)))
    specs = sweep_of(experiment, "small", axes, "x:train").specs(axes)
    assert [(spec.folder, spec.config) for spec in specs] == [
        ("run_0000_seed1", {"seed": 1, "epochs": 7}),
        ("run_0001_seed2", {"seed": 2, "epochs": 7}),
    ]


def test_an_estimate_is_measured_in_a_folder_that_goes_away(experiment, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main_of(experiment)(["--dry-run", "--epochs", "100"]) == 0
    assert "sum-train: 1 run(s)" in (out := capsys.readouterr().out)
    assert "about 0:00:01 (h:mm:ss)" in out
    assert list(tmp_path.iterdir()) == []


def test_a_users_own_thing_is_found_from_elsewhere_and_its_change_is_noticed(experiment, tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "_loaded", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    place = tmp_path / "mine"
    place.mkdir()
    (place / "own_shapes_of_a_test.py").write_text("class Line: ...\n")
    monkeypatch.chdir(place)
    words = ["--shape", "own_shapes_of_a_test:Line", "--seed", "1", "--quiet"]
    monkeypatch.setattr(Sums, "signal_after", 2)
    assert main_of(experiment)([*words, "--run-dir", str(tmp_path / "run")]) == 143
    meta = load_run(tmp_path / "run").meta
    assert meta["plugins"] == {"own_shapes_of_a_test:Line": str(place / "own_shapes_of_a_test.py")}
    monkeypatch.chdir(tmp_path)
    sys.path.remove(str(place))
    del sys.modules["own_shapes_of_a_test"]
    assert resumed(experiment, tmp_path / "run", {}).shape == "own_shapes_of_a_test:Line"
    (place / "own_shapes_of_a_test.py").write_text("class Line: size = 2\n")
    with pytest.warns(UserWarning, match="own_shapes_of_a_test:Line has changed since the run began"):
        resumed(experiment, tmp_path / "run", {})
    del sys.modules["own_shapes_of_a_test"]
