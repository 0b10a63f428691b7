"""Chains of modes: named first, recorded, left out of comparisons; --fresh begins beside them."""

import json

import pytest

from common.runs import load_run, load_sweep
from common.runs.lock import FolderLock
from psa_resmlp.study.chain import described, is_chain, is_chained, leads_on

QUICK = ("--arch", "[1*4]", "--dataset", "digits", "--lr", "0.01", "--threads", "1", "--meta-loops", "1")


@pytest.fixture
def train(here):
    return lambda *words, code=0: here("train", *QUICK, *words, code=code)


def link(mode, loops):
    return {"mode": mode, "meta_loops": loops}


def meta(folder):
    return json.loads((folder / "run_meta.json").read_text())


def test_the_first_line_says_what_a_start_goes_on_from_and_run_meta_the_chain(train, tmp_path):
    folder = f"architecture [1*4], folder {tmp_path}/models, checkpoint mnist_lkg.safetensors"
    assert train().out.splitlines()[0] == f"starts anew in mode none, {folder}"
    lines = train().out.splitlines()
    assert lines[0] == f"goes on from mode none (1 meta-loop), {folder}; now in mode none"
    assert not lines[1].startswith("note: ")
    done = train("--ablation-mode", "hidden", "--run-dir", "chained")
    lines = done.out.splitlines()
    assert lines[0] == f"goes on from mode none (2 meta-loops), {folder}; now in mode hidden"
    assert lines[1].startswith(
        "note: this makes a chain of modes, which tables and figures leave out; to compare modes"
    )
    found = meta(tmp_path / "chained")
    assert found["goes_on_from"] == {"1": [link("none", 2)]}
    assert found["chain"] == {"1": [link("none", 2), link("hidden", 1)]}
    assert found["result"]["incomparable"] == "chain of modes: none (2 meta-loops), then hidden (1 meta-loop)"
    table = load_sweep(tmp_path / "results/psa_resmlp/runs")
    assert "incomparable" not in table  # of the two pure ones


def test_several_trials_say_it_in_one_line(train, tmp_path):
    train("--trials", 2)
    line = train("--trials", 3, "--ablation-mode", "output", "--run-dir", "more").out.splitlines()
    assert line[0].startswith("trial 1, 2: goes on from mode none (1 meta-loop), ")
    assert line[0].endswith("checkpoint trial_01/mnist_lkg.safetensors and others; now in mode output")
    assert line[1].startswith("trial 3: starts anew in mode output, ")
    assert line[2].startswith("note: this makes a chain of modes")
    assert meta(tmp_path / "more")["goes_on_from"] == {"1": [link("none", 1)], "2": [link("none", 1)], "3": []}


def test_fresh_neither_reads_nor_overwrites_the_other_checkpoint(train, tmp_path):
    train("--ablation-mode", "none")
    path = tmp_path / "models/mnist_lkg.safetensors"
    before = path.read_bytes()
    for number in (1, 2):
        done = train("--ablation-mode", "hidden", "--fresh", "--run-dir", f"fresh{number}")
        folder = tmp_path / f"models/1x4_hidden_fresh-{number}"
        assert done.out.startswith(
            f"starts anew in mode hidden, architecture [1*4], folder {folder}, checkpoint mnist_"
        )
        assert (folder / "mnist_lkg.safetensors").is_file()
        assert meta(tmp_path / f"fresh{number}")["chain"] == {"1": [link("hidden", 1)]}
    assert path.read_bytes() == before
    train("--ablation-mode", "hidden", "--model-dir", "apart", "--run-dir", "apart/run")
    same = [(tmp_path / name / "metrics.csv").read_text().rpartition(",")[0] for name in ("fresh1", "apart/run")]
    assert same[0] == same[1]
    done = train("--resume", "fresh1", "--fresh", code=2)
    assert done.err.startswith("error: --fresh True differs from the run's False; start a new run")


def test_a_run_whose_checkpoint_others_have_trained_on_is_not_resumed(train, here, tmp_path):
    def stop(name):
        file = tmp_path / name / "run_meta.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "status": "interrupted"}))

    train("--run-dir", "first")
    assert here("train", "--resume", "first", code=2).err.endswith("is done; there is nothing to go on with\n")
    stop("first")
    train("--run-dir", "second")
    done = here("train", "--resume", "first", code=2)
    assert "is no longer that of this run: it was trained in none (2 meta-loops), and the run goes to" in done.err
    assert load_run(tmp_path / "first").status == "interrupted"
    train("--ablation-mode", "full", "--run-dir", "third")
    stop("third")
    (tmp_path / "models/mnist_lkg.safetensors").unlink()
    done = here("train", "--resume", "third", code=2)
    assert "it was trained in nothing, and the run goes from none (2 meta-loops) to meta-loop 3" in done.err


def test_a_refused_start_leaves_no_run(train, tmp_path):
    train()
    runs = tmp_path / "results/psa_resmlp/runs"
    before = list(runs.iterdir())
    train("--seed", "7", code=2)
    assert list(runs.iterdir()) == before


@pytest.mark.parametrize(("words", "folder"), [((), "models"), (("--trials", "2"), "models/trial_02")])
def test_a_model_folder_has_one_process(train, tmp_path, words, folder):
    (tmp_path / folder).mkdir(parents=True)
    with FolderLock(tmp_path / folder):
        done = train(*words, code=2)
        assert done.err.startswith(
            f"error: model folder {tmp_path / folder}: another process is at work on it (process "
        )
        assert done.err.endswith("start with --fresh, or name another with --model-dir\n")
        train(*words, "--fresh")
    train(*words)
    assert not list(tmp_path.rglob("*.lock"))


def test_model_and_run_folder_may_be_one(train, tmp_path):
    train("--model-dir", "both", "--run-dir", "both")
    assert {"mnist_lkg.safetensors", "run_meta.json"} <= {path.name for path in (tmp_path / "both").iterdir()}


def test_words_for_chains():
    chain = [link("unknown", None), link("none", 2), link("full", 1)]
    assert described(chain) == "an unknown mode, then none (2 meta-loops), then full (1 meta-loop)"
    assert is_chain(chain)
    assert not any(map(is_chain, (None, "none", [1], [{"mode": "none"}], [link("none", "2")])))
    assert is_chained(chain, "full")
    assert not is_chained([link("full", 3)], "full")
    assert not is_chained([], "full")
    assert leads_on(chain[:2], chain, "full")
    assert not leads_on(chain[:2], chain, "none")
    assert not leads_on(chain, chain[:2], "full")
