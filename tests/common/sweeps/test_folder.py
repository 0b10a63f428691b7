"""The folder of a sweep: what may go into it, who may write to it, and what its files say."""

import json

import pytest

from common.errors import InputError
from common.runs.journal import Journal, begun, last_outcomes, read_events
from common.runs.outcome import Outcome, is_unwritable, read_outcome, write_outcome
from common.runs.spec import RunSpec, read_specs
from common.sweeps.folder import finished, has_begun, make_folder, prepare, settle_specs
from common.sweeps.results import results_csv

FACTS = {"function": "m:f"}


def specs(*seeds, **more):
    return [RunSpec(index, f"seed{seed}", {"seed": seed, **more}) for index, seed in enumerate(seeds)]


def test_the_same_grid_again_and_a_larger_one_keep_their_numbers(tmp_path):
    assert settle_specs(tmp_path, specs(2, 0), FACTS) == specs(2, 0)
    assert settle_specs(tmp_path, specs(2, 0), FACTS) == specs(2, 0)
    grown = settle_specs(tmp_path, specs(0, 1, 2, 3), FACTS)
    assert [spec.folder for spec in grown] == ["run_0000_seed2", "run_0001_seed0", "run_0002_seed1", "run_0003_seed3"]
    assert read_specs(tmp_path) == grown
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert (manifest["runs"], manifest["schema_version"], manifest["function"]) == (4, 1, "m:f")
    assert "python" in manifest["origin"]


@pytest.mark.parametrize(
    ("second", "facts", "message"),
    [
        (specs(0, gamma=0.3), FACTS, "it has run_0001_seed1, which this one lacks"),
        (specs(0, 1, gamma=3.0), FACTS, r"run_0000_seed0 has gamma 0\.3, here it is 3\.0"),
        (specs(0, 1, gamma=0.3), {"function": "m:g"}, "it calls m:f, this one m:g"),
    ],
)
def test_another_sweep_is_refused(tmp_path, second, facts, message):
    settle_specs(tmp_path, specs(0, 1, gamma=0.3), FACTS)
    before = (tmp_path / "runspecs.jsonl").read_text()
    with pytest.raises(InputError, match=f"holds another sweep .*{message}"):
        settle_specs(tmp_path, second, facts)
    assert (tmp_path / "runspecs.jsonl").read_text() == before


def test_places_that_cannot_hold_a_sweep(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file"):
        make_folder(tmp_path / "file")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "run_meta.json").touch()
    with pytest.raises(InputError, match="holds runs of no sweep"):
        make_folder(tmp_path / "runs")
    assert make_folder(tmp_path / "new" / "deep").is_dir()


def test_a_run_that_failed_by_itself_starts_from_nothing_and_a_lost_one_goes_on(tmp_path):
    spec = specs(0)[0]
    for kind, kept in (("error", False), ("timeout", True), ("lost", True)):
        run = prepare(tmp_path, spec, "t1")
        assert has_begun(tmp_path, spec, "t1")
        assert not has_begun(tmp_path, spec, "t2")
        (run / "checkpoint").touch()
        (run / ".t0.stdout.txt").touch()  # of a worker that was killed
        write_outcome(run, Outcome(0, "failed", reason="why", kind=kind))
        assert finished(tmp_path, [spec])[0].kind == kind
        assert finished(tmp_path, [spec], retry_failed=True) == {}
        prepare(tmp_path, spec, "t2")
        assert not (run / ".t0.stdout.txt").exists()
        assert (run / "checkpoint").exists() == kept
        assert not (run / "FAILED").exists()


def test_outcomes_survive_the_disk(tmp_path):
    done = Outcome(4, "done", 1.5, {"acc": 1 / 3})
    (tmp_path / "stdout.txt").write_text("".join(f"line {n}\n" for n in range(50)))
    write_outcome(tmp_path, Outcome(4, "failed", reason="why", kind="error"))
    text = (tmp_path / "FAILED").read_text()
    assert "why\n" in text
    assert "line 29\n" not in text
    assert "line 30\n" in text
    write_outcome(tmp_path, done)
    assert read_outcome(tmp_path) == done
    assert not (tmp_path / "FAILED").exists()
    (tmp_path / "DONE").write_text("")  # a crash of the machine can leave this
    assert read_outcome(tmp_path) is None


def test_whose_fault_an_error_is(tmp_path):
    assert is_unwritable(OSError(28, "No space left on device"), tmp_path)
    assert is_unwritable(PermissionError(13, "Permission denied", str(tmp_path / "a")), tmp_path)
    assert not is_unwritable(PermissionError(13, "Permission denied", "/etc/shadow"), tmp_path)
    assert not is_unwritable(FileNotFoundError(2, "No such file", str(tmp_path / "a")), tmp_path)
    assert not is_unwritable(ValueError(), tmp_path)


def test_the_journal_gives_the_last_end_of_each_run(tmp_path):
    journal = Journal(tmp_path)
    journal.note("start", index=0)
    journal.note("start", index=1)
    journal.ended(Outcome(0, "failed", reason="why", kind="error"))
    journal.ended(Outcome(1, "done", 2.0, {"acc": 0.5}))
    journal.note("start", index=0)
    with open(tmp_path / "status.jsonl", "a") as stream:
        stream.write('{"event": "done", "ind')
    assert last_outcomes(tmp_path) == {1: Outcome(1, "done", 2.0, {"acc": 0.5})}
    assert begun(tmp_path) == {0, 1}
    journal.ended(Outcome(0, "done"))
    assert len(read_events(tmp_path)) == 6  # the torn line is gone
    assert last_outcomes(tmp_path)[0].status == "done"


def test_results_have_the_settings_first_and_keep_every_digit():
    text = results_csv(
        specs(1, 0, 2), {1: Outcome(1, "done", 1.23456, {"acc": 1 / 3}), 2: Outcome(2, "failed", 1, {}, "a,b")}
    )
    assert text.splitlines() == [
        "index,run,status,seed,acc,seconds,reason",
        "0,run_0000_seed1,waiting,1,,,",
        "1,run_0001_seed0,done,0,0.3333333333333333,1.235,",
        '2,run_0002_seed2,failed,2,,1,"a,b"',
    ]
