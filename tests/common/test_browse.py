"""`nonideal`: what people see of sweeps and runs."""

import json

import pytest

from common.browse import main
from common.browse.text import aligned
from common.runs import Run, StopSignals, load_runs
from common.runs.journal import Journal
from common.sweeps import Outcome, RunSpec
from common.sweeps.folder import settle_specs
from common.sweeps.results import Results


@pytest.fixture
def nonideal(capsys):
    def run(*words, code=0):
        try:
            found = main([str(word) for word in words])
        except SystemExit as stop:
            found = stop.code
        out, err = capsys.readouterr()
        assert found == code, err
        return err if code else out

    return run


@pytest.fixture
def sweep(tmp_path):
    folder = tmp_path / "sweep"
    folder.mkdir()
    specs = []
    for n in range(12):
        gamma, delta = (0.03, 0.3, 3.0)[n % 3], (0.02, 0.05)[n % 2]
        config = {"gamma": gamma, "delta": delta, "epochs": 20, "vg_init_fixed": 4.0 + n // 6}
        specs.append(RunSpec(n, f"n{n}", config, {"gamma": gamma, "delta": delta, "vg": f"fix{4 + n // 6}"}))
    settle_specs(folder, specs, {"function": "m:f"})
    for n in range(11):
        result = {
            "final_val_acc": 0.5 + n / 50,
            "final_epoch": 20,
            "selected_val_acc": 0.6 + n / 50,
            "selected_epoch": n,
        }
        Journal(folder).ended(Outcome(n, "done", 1.0, {**result, "selected_on": "test set"}))
    return folder


def test_a_sweep_says_what_to_compare_and_what_its_settings_are(nonideal, tmp_path):
    specs = [RunSpec(n, f"n{n}", {"arch": "ab"[n % 2], "sizes": [n % 2, 3]}) for n in range(4)]
    settle_specs(tmp_path, specs, {"function": "m:f"})
    ended = {}
    for n in range(4):
        ended[n] = Outcome(n, "done", 1.0, {"trial_seed": 7 + n, "bounty": 90.5 + n, "loss": 1 / (1 + n)})
        Journal(tmp_path).ended(ended[n])
    Results(tmp_path, specs, "bounty", ended).save("done")
    out = nonideal("table", tmp_path, "--no-plots")
    lines = [line.split() for line in out.splitlines()]
    assert "bounty by axis" in out
    assert ["arch", "a", "2", "91.5000", "91.5000", "92.5000"] in lines
    assert not any(line[:1] in (["trial_seed"], ["loss"]) for line in lines)


def test_an_option_in_words_that_are_numbers_is_ordered_by_them(nonideal, tmp_path):
    levels = ("0", "0.1", "0.02", "1e-3")
    specs = [RunSpec(n, f"n{n}", {"read_noise": level}) for n, level in enumerate(levels)]
    settle_specs(tmp_path, specs, {"function": "m:f"})
    ended = {n: Outcome(n, "done", 1.0, {"bounty": 90.0 + n}) for n in range(4)}
    for outcome in ended.values():
        Journal(tmp_path).ended(outcome)
    Results(tmp_path, specs, "bounty", ended).save("done")
    lines = [line.split() for line in nonideal("table", tmp_path, "--no-plots").splitlines()]
    assert [line[1] for line in lines if line[:1] == ["read_noise"]] == ["0", "0.001", "0.02", "0.1"]


def test_runs_that_must_not_be_mixed_with_others_are_left_out_and_named(nonideal, tmp_path):
    specs = [RunSpec(n, f"n{n}", {"mode": "ab"[n % 2]}) for n in range(4)]
    settle_specs(tmp_path, specs, {"function": "m:f"})
    ended = {}
    for n in range(4):
        marked = {"incomparable": "chain of modes: a, then b"} if n == 3 else {}
        ended[n] = Outcome(n, "done", 1.0, {"bounty": 90.0 + n, **marked})
        Journal(tmp_path).ended(ended[n])
    Results(tmp_path, specs, "bounty", ended).save("done")
    out = nonideal("table", tmp_path, "--no-plots")
    assert "left out: run_0003_n3: chain of modes: a, then b" in out
    assert ["mode", "b", "1", "91", "91", "91"] in [line.split() for line in out.splitlines()]
    assert out.count("n3") == 1


def test_a_table_in_words_and_plots(nonideal, sweep):
    out = nonideal("table", sweep, "--x", "gamma", "--y", "delta", "--top", 2)
    assert "12 runs, 11 done, 1 waiting" in out
    assert "selected_val_acc (the best epoch, on the test set) by axis" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["vg", "fix4", "6", "0.6500", "0.6500", "0.7000"] in lines
    assert ["vg", "fix5", "5", "0.7600", "0.7600", "0.8000"] in lines
    assert ["gamma", "0.03", "4", "0.6900", "0.6900", "0.7800"] in lines
    assert not any(line[:1] in (["vg_init_fixed"], ["selected_epoch"], ["epochs"]) for line in lines)
    best = lines[lines.index("best 2 runs".split()) :]
    assert best[2] == ["0.8000", "0.7000", "10", "20", "run_0010_n10"]
    assert len([line for line in best if line and line[-1].startswith("run_")]) == 2
    names = {path.name for path in (sweep / "plots").iterdir()}
    assert names == {"selected_val_acc_by_axis.png", "selected_val_acc_delta_over_gamma.png"}


def test_other_columns_other_places(nonideal, sweep, tmp_path):
    options = ("--value", "final_val_acc", "--by", "vg", "--best", "--x", "vg", "--y", "gamma", "--plot-format", "svg")
    out = nonideal("table", sweep, *options, "--plot-dir", tmp_path / "p")
    assert "final_val_acc by axis" in out
    assert {path.name for path in (tmp_path / "p").iterdir()} == {
        "final_val_acc_by_axis.svg": 1,
        "final_val_acc_gamma_over_vg.svg": 1,
    }.keys()
    assert "by axis" in nonideal("table", sweep, "--no-plots")
    assert not (sweep / "plots").exists()
    csv = nonideal("table", sweep, "--csv").splitlines()
    assert len(csv) == 13
    assert csv[0].startswith("index,run,status,gamma,delta,vg,")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--x", "gamme", "--y", "delta"), "error: no column 'gamme' in the table; there are index, status, gamma"),
        (("--x", "gamma"), "error: a heat map needs both --x and --y"),
        (("--value", "vg"), "error: --value vg: holds no numbers"),
        (("--x", "gamma", "--y", "delta", "--no-plots"), "error: --x and --y are for a heat map"),
    ],
)
def test_wrong_columns_are_named(nonideal, sweep, words, message):
    err = nonideal("table", sweep, *words, code=2)
    assert err.startswith(message)
    assert err.count("\n") == 1


def run(folder, status="done", **config):
    folder.mkdir(parents=True)
    with StopSignals() as signals, Run(folder, {"epochs": 2, "gamma": 0.3, **config}, signals, echo=None) as one:
        for epoch in range(3):
            one.metrics({"epoch": epoch, "val_acc": epoch / 4})
        result = {"final_val_acc": 0.5, "selected_val_acc": 0.75, "selected_epoch": 1, "selected_on": "test set"}
        one.note(result=result if status == "done" else None, package="demo")
    if status != "done":
        meta = json.loads((folder / "run_meta.json").read_text())
        (folder / "run_meta.json").write_text(json.dumps({**meta, "status": status, "pid": 2**22 + 1}))
    return folder


def test_runs_with_their_status(nonideal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "results" / "demo" / "runs" / "a")
    run(tmp_path / "results" / "demo" / "runs" / "b", status="running")
    run(tmp_path / "results" / "demo" / "runs" / "c", status="interrupted")
    (tmp_path / "results" / "demo" / "runs" / "d").mkdir()
    (tmp_path / "results" / "demo" / "runs" / "d" / "run_meta.json").write_text("{")
    out = nonideal("runs")
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines[1:5]] == ["done", "dead", "interrupted", "damaged"]
    assert " ".join(lines[1][3:]) == "2 2 0.7500 val_acc 0.5000 0.7500 test set results/demo/runs/a"
    assert " ".join(lines[3][5:]) == "- val_acc 0.5000 - - results/demo/runs/c"  # what its last epoch measured
    assert out.endswith("4 runs: 1 damaged, 1 dead, 1 done, 1 interrupted\n")
    assert nonideal("runs", "results/demo/runs/a").splitlines()[1].startswith("done")
    assert "no run folder in nowhere" in nonideal("runs", "nowhere", code=2)


def test_runs_are_found_where_each_suite_puts_them(nonideal, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = ["models/18x18", "results/demo/runs/a", "results/demo/runs/b_replicas/replica_0000", "simulations/s"]
    for place in [*places, "results/demo/sweeps/large/run_0000_a"]:
        run(tmp_path / place)
    lines = nonideal("runs").splitlines()
    assert [line.split()[-1] for line in lines[1:-1]] == places
    assert nonideal("runs", "results/demo/sweeps/large").endswith("1 runs: 1 done\n")


def test_one_run(nonideal, tmp_path):
    folder = run(tmp_path / "one", seed=3)
    (folder / "learning_curves_acc.png").touch()
    out = nonideal("show", folder, "--tail", 2)
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for expected in ("run one", "status done", "gamma 0.3", "final_val_acc 0.5", "plots: learning_curves_acc.png"):
        assert expected in lines
    table = lines[lines.index("last epochs") :]
    assert table[1:4] == ["epoch val_acc", "1 0.2500", "2 0.5000"]
    assert "no run_meta.json in it" in nonideal("show", tmp_path, code=2)


DAMAGE = {
    "no JSON": "{",
    "no text": b"\xff\xfe",
    "no object": "[1]",
    "no run": "{}",
}


@pytest.fixture
def partly_damaged(tmp_path):
    """A good run and one of every kind of damage, in a folder whose name is a pattern too."""
    place = tmp_path / "runs[1]"
    run(place / "good")
    for name, content in DAMAGE.items():
        run(place / name)
        (place / name / "run_meta.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    run(place / "odd")
    meta = json.loads((place / "odd" / "run_meta.json").read_text())
    odd = {"result": {"final_val_acc": 0.25}, "command": ["nmos", 3]}
    (place / "odd" / "run_meta.json").write_text(json.dumps({**meta, **odd, "config": {"a/b $x$": "$y$", "epochs": 2}}))
    return place


def test_a_damaged_folder_is_a_line_and_the_others_are_shown(nonideal, partly_damaged):
    for word in (partly_damaged, partly_damaged / "*"):
        out = nonideal("runs", word)
        assert "6 runs: 4 damaged, 2 done" in out
        for name in DAMAGE:
            assert out.count(f"damaged: run folder {partly_damaged / name}") == 1
    table = load_runs(str(partly_damaged / "*"))
    assert table["status"].value_counts().to_dict() == {"damaged": 4, "done": 2}
    assert table["reason"].notna().sum() == 4
    out = nonideal("table", partly_damaged, "--value", "final_val_acc", "--by", "a/b $x$,gamma")
    assert f"{partly_damaged}: 6 runs, 4 damaged, 2 done" in out
    assert out.count("damaged: run folder") == 4
    assert (partly_damaged / "plots" / "final_val_acc_by_axis.png").is_file()
    pair = ("--x", "a/b $x$", "--y", "gamma")
    assert "no run has both a/b $x$ and gamma" in nonideal("table", partly_damaged, *pair, code=2)
    nonideal("table", partly_damaged, "--value", "final_val_acc", "--x", "a/b $x$", "--y", "epochs")
    assert (partly_damaged / "plots" / "final_val_acc_epochs_over_a-b $x$.png").is_file()
    for name in DAMAGE:
        assert nonideal("show", partly_damaged / name, code=2).startswith(f"error: run folder {partly_damaged / name}")
    assert "command nmos 3" in nonideal("show", partly_damaged / "odd")


def test_a_folder_of_damaged_runs_alone(nonideal, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "run_meta.json").write_text("{")
    assert "2 runs: 2 damaged" in nonideal("runs", tmp_path)
    assert "no run has an accuracy yet" in nonideal("table", tmp_path, code=2)


def test_numbers_that_are_none(nonideal, tmp_path):
    assert "not a whole number of 0 or more" in nonideal("show", tmp_path, "--tail", "-1", code=2)
    assert "no run_meta.json in it" in nonideal("show", "x" * 200, code=2)
    assert "is too long" in nonideal("show", "x" * 256, code=2)
    assert "no run folder in" in nonideal("runs", "x" * 300, code=2)


def test_columns_are_aligned():
    assert aligned(("a", "number"), [["x", 0.5], ["long", None]]) == "a     number\nx     0.5000\nlong       -"
