"""A single run at the edge a user touches; tests/extending stops and resumes one with a corruption of its own."""

import json

from common.runs import load_run
from corruption_study.nnet_models import TrainConfig, train_and_evaluate
from corruption_study.train import run

MODULE = "corruption_study.train"
SMALL = TrainConfig(dataset="digits", epochs=2, hidden_sizes=(12,), max_train_samples=300, test_ps=(0.5,), quiet=True)
WORDS = "--dataset digits --epochs 2 --hidden-sizes 12 --max-train-samples 300 --test-ps 0.5 --p 0.3".split()


def test_replicas_end_in_the_numbers_of_runs_alone(here, tmp_path):
    (tmp_path / "runs.jsonl").write_text('{"seed": 1}\n{"seed": 2, "p": 0.6}\n')
    here(MODULE, *WORDS, "--replicas", "runs.jsonl", "--run-dir", "both", "--quiet")
    for number, (seed, p) in enumerate(((1, 0.3), (2, 0.6))):
        found = load_run(tmp_path / "both" / f"replica_{number:04d}")
        alone = train_and_evaluate(TrainConfig(**{**vars(SMALL), "seed": seed, "p": p}))
        assert found.result["score"] == found.result["final_test_acc"] == alone["test_accuracy"]
        assert found.result["final_train_loss"] == alone["train_loss"]
        assert found.result["test_accuracy_p0.5"] == alone["corrupted_test_accuracy"][0.5]
        assert list(found.metrics) == ["epoch", "train_loss", "train_accuracy"]


def test_a_notebook_trains_into_a_folder(tmp_path):
    folder = run(SMALL, tmp_path / "mine")
    meta = json.loads((folder / "run_meta.json").read_text())
    assert (meta["status"], meta["package"], meta["result"]["selected"]) == ("done", "corruption_study", None)
    assert meta["result"]["final"]["epoch"] == 2


def test_what_cannot_be_is_refused_before_a_folder_is_made(here, tmp_path):
    (tmp_path / "runs.jsonl").write_text('{"epochs": 1}\n{"epochs": 2}\n')
    for words, message in (
        (["--replicas", "runs.jsonl"], "runs side by side differ in epochs, allowed: p and seed"),
        (["--max-train-samples", "99999"], "argument --max-train-samples: 99999, allowed: at most 1437"),
        (["--corruption", "nowhere:Dust"], "corruption nowhere:Dust: no module nowhere"),
    ):
        assert message in here(MODULE, *WORDS, *words, code=2).err
    assert "1 run(s) of mlp" in here(MODULE, *WORDS, "--dry-run").out
    assert [path.name for path in tmp_path.iterdir()] == ["runs.jsonl"]
