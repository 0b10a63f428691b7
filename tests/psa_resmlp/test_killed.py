"""psa-train killed just before a file operation, at the start, on the way, and at a resumed start: nothing is lost."""

import itertools
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file

from common.runs import load_run

SERVER = Path(__file__).with_name("killed.py")
WORDS = ("--arch", "[1*4]", "--dataset", "digits", "--lr", "0.01", "--threads", "1", "--ablation-mode", "hidden")
LOOPS = 3
SAMPLE = 12


class Trainings:
    """Trainings in a folder, some of them killed."""

    def __init__(self, folder):
        self.folder, self._names = folder, itertools.count()
        self._server = subprocess.Popen(
            [sys.executable, SERVER], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, *words, at=0):
        """Run psa-train, killed before its operation number `at`; returns exit code, operations and stderr."""
        self._server.stdin.write(json.dumps({"words": list(map(str, words)), "at": at}) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())

    def new_name(self):
        return f"run{next(self._names)}"

    def start(self, name, at=0):
        return self(*WORDS, "--meta-loops", LOOPS, "--run-dir", name, "--model-dir", f"{name}-models", at=at)

    def go_on(self, name, at=0):
        """What a user does: resume, or start where there is nothing to resume yet."""
        done = self("--resume", name, at=at)
        return self.start(name) if done["code"] == 2 and "no run_meta.json" in done["err"] else done

    def history(self, name):
        path = self.folder / f"{name}-models" / "mnist_lkg.safetensors"
        if not path.exists():
            return []
        with safe_open(path, framework="pt") as file:
            return [loop[:-1] for loop in json.loads(file.metadata()["history"])]  # without the seconds

    def rows(self, name):
        path = self.folder / name / "metrics.csv"
        return [line.rpartition(",")[0] for line in path.read_text().splitlines()] if path.exists() else []

    def check(self, name):
        """The run has ended as one that was never killed, and nothing temporary is left."""
        assert load_run(self.folder / name).status == "done"
        assert self.history(name) == self.history("whole")
        assert self.rows(name) == self.rows("whole")
        one, other = (load_file(self.folder / f"{run}-models/mnist_lkg.safetensors") for run in (name, "whole"))
        assert all(one[key].equal(other[key]) for key in other)
        left = [path.name for folder in (name, f"{name}-models") for path in (self.folder / folder).iterdir()]
        assert [file for file in left if file.endswith((".tmp", ".lock")) or "probe" in file] == []

    def close(self):
        self._server.communicate()


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    found = Trainings(tmp_path_factory.mktemp("killed"))
    found.operations = found.start("whole")["operations"]
    yield found
    found.close()


def killed_at_the_start(trainings, at):
    name = trainings.new_name()
    assert trainings.start(name, at=at)["code"] == -9
    before = len(trainings.history(name))
    assert len(trainings.rows(name)[1:]) <= before + 1
    done = trainings.go_on(name)
    assert done["code"] == 0, done["err"]
    trainings.check(name)


def killed_when_resumed(trainings, at):
    """Killed in the second meta-loop, and again when it goes on."""
    name = trainings.new_name()
    trainings.start(name, at=trainings.operations // 2)
    before = trainings.history(name)
    assert trainings.go_on(name, at=at)["code"] in (-9, 0)
    assert trainings.history(name)[: len(before)] == before
    done = trainings.go_on(name)
    assert done["code"] == 0, done["err"]
    trainings.check(name)


@pytest.mark.parametrize("kill", [killed_at_the_start, killed_when_resumed])
def test_a_kill_at_some_file_operations(trainings, kill):
    for at in random.Random(kill.__name__).sample(range(1, trainings.operations + 1), SAMPLE // 2):
        kill(trainings, at)


@pytest.mark.long
@pytest.mark.parametrize("kill", [killed_at_the_start, killed_when_resumed])
def test_a_kill_at_every_file_operation(trainings, kill):
    for at in range(1, trainings.operations + 1):
        kill(trainings, at)


def test_a_folder_in_which_nothing_has_begun_may_be_named_again(trainings):
    """As earlier versions left it, which noted the last meta-loop after they had written run_meta.json."""
    trainings.start("early")
    for way in ("--run-dir", "--resume"):
        path = trainings.folder / "early" / "run_meta.json"
        meta = json.loads(path.read_text())
        for name in ("last_meta_loop", "goes_on_from", "chain", "result"):
            meta.pop(name)
        path.write_text(json.dumps({**meta, "status": "running", "pid": 2**22 + 1}))
        for file in (trainings.folder / "early-models").iterdir():
            file.unlink()
        done = trainings.start("early") if way == "--run-dir" else trainings("--resume", "early")
        assert done["code"] == 0, done["err"]
        trainings.check("early")
    assert "holds a run already; go on with it by --resume early" in trainings.start("early")["err"]
