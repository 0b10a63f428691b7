"""The command line of a sweep, in this process where nothing is started."""

import contextlib
import socket
from dataclasses import replace

import demo_sweep
import pytest

from common.sweeps import Listener, Options, RunSpec, estimate
from common.sweeps.run import selected


def command(*words, code=0):
    try:
        found = demo_sweep.main([str(word) for word in words])
    except SystemExit as stop:
        found = stop.code
    assert found == code


def test_help_shows_the_grid_and_how_to_run(capsys):
    command("--help")
    text = " ".join(capsys.readouterr().out.split())
    for expected in (
        "--seed X,.. seed (default: 0,1,2,3,4,5)",
        "results/demo/sweeps/demo",
        "--run-timeout S",
        "--only",
    ):
        assert expected in text


def test_list_names_the_runs(capsys, tmp_path):
    command("--list", "--seed", "3,4", "--sweep-dir", tmp_path / "x")
    assert capsys.readouterr().out == "run_0000_seed3\nrun_0001_seed4\n"
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--workers", "0"), "error: argument --workers: '0' is not a whole number of 1 or more"),
        (("--run-timeout", "-3"), "error: argument --run-timeout: '-3' is not a number of seconds above 0"),
        (("--only", "nothing*"), "error: --only 'nothing*' matches none of 6 runs, e.g. run_0000_seed0"),
        (("--scheduler", "a", "--scheduler-file", "b"), "error: --scheduler and --scheduler-file name the same"),
        (("--epochs", "0"), "error: argument --epochs: 0 is out of range; it must be at least 1"),
    ],
)
def test_wrong_input_is_one_line(capsys, tmp_path, words, message):
    command("--sweep-dir", tmp_path / "x", *words, code=2)
    out, err = capsys.readouterr()
    assert err.startswith(message)
    assert err.count("\n") == 1
    assert out == ""


def test_only_and_limit_choose():
    specs = [RunSpec(index, f"seed{index}_fix{index % 2}", {}) for index in range(10)]

    def chosen(**options):
        return [spec.index for spec in selected(specs, {1: None}, Options(**options))]

    assert chosen(only="*fix1") == [3, 5, 7, 9]
    assert chosen(only="run_0004*") == [4]
    assert chosen(only="7") == [7]
    assert chosen(limit=3) == [0, 2, 3]
    assert chosen(only="*fix1", limit=1) == [3]


def test_limit_only_and_growing_with_a_real_pool(sweep, tmp_path):
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # taken already: just as well
            other.bind(("127.0.0.1", 8787))  # as another sweep on this machine might
            other.listen()
        out, err = sweep(tmp_path, "--only", "*seed[45]", DEMO_SECONDS=0.01)
    assert err == ""
    assert "2 of 6 runs done, 0 failed" in out
    out, _ = sweep(tmp_path, "--limit", 1, "--seed", "0,1,2,3,4,5,9", DEMO_SECONDS=0.01)
    assert "3 of 7 runs done" in out
    assert (tmp_path / "run_0000_seed0" / "DONE").exists()


def test_a_sweep_may_have_an_estimate_and_a_listener_of_its_own(monkeypatch, tmp_path, capsys):
    events = []

    class Ends(Listener):
        def started(self, say):
            say("now it starts")

        def ended(self, spec, outcome):
            events.append((spec.index, outcome.status))

        def saved(self):
            events.append("saved")

    folder = tmp_path / "sweep"
    own = replace(
        demo_sweep.SWEEP,
        estimate=lambda todo, workers: f"{len(todo)} by {workers}",
        listener=lambda path: Ends() if path == folder else None,
    )
    monkeypatch.setenv("DEMO_SECONDS", "0.01")
    words = ["--seed", "0,1", "--workers", "1", "--sweep-dir", str(folder)]
    assert own.main([*words, "--dry-run"]) == 0
    assert "2 by 1" in capsys.readouterr().out
    assert own.main(words) == 0
    assert "now it starts" in capsys.readouterr().out
    assert sorted(end for end in events if end != "saved") == [(0, "done"), (1, "done")]
    assert events[-1] == "saved"
    events.clear()
    assert own.main(words) == 0
    assert events == ["saved"]


def test_dry_run_measures_one_run_of_each_kind(monkeypatch, tmp_path):
    specs = [RunSpec(n, f"seed{n}", {"seed": n}, group="ab"[n % 2]) for n in range(6)]
    seen = []

    def measure(sweep, of_a_kind):
        seen.append([spec.index for spec in of_a_kind])
        return estimate.Cost(start_s=10, run_s=600 * len(seen), memory_MiB=100, files_MiB=2)

    monkeypatch.setattr(estimate, "measure", measure)
    text = estimate.describe(demo_sweep.SWEEP, specs, tmp_path / "new", Options(workers=1))
    assert seen == [[0, 2, 4], [1, 3, 5]]
    assert "3 run(s) like seed0: a run takes about 600 s" in text
    assert "about 1:30:10 (h:mm:ss) on 1 worker(s), 100 MiB of memory, 12 MiB of files" in text


def test_dry_run_measures_and_writes_nothing(sweep, tmp_path):
    out, _ = sweep(tmp_path / "new", "--dry-run", "--epochs", 1000, "--workers", 2, DEMO_SECONDS=0.1)
    assert "6 runs, 6 to do now" in out
    seconds = float(out.split("a run takes about ")[1].split()[0])
    assert 90 < seconds < 130  # an epoch takes a tenth of a second
    assert not (tmp_path / "new").exists()
