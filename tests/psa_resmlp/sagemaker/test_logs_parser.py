import csv
import subprocess
import sys
from types import SimpleNamespace

import pytest

from psa_resmlp.study.architectures import parse
from psa_resmlp.training import panels
from psa_resmlp.training.config import TrainConfig
from psa_resmlp.training.replica import Loop, Replica

LOGS, OUT = "results/psa_sagemaker/logs", "results/psa_sagemaker"
OURS, PUBLISHED = "psa-18x18-hidden-3f0c2a91-01", "psa-18x18-hidden-2025-08-04-19-53-35-910"
IMAGES = 10_000


@pytest.fixture
def log(tmp_path):
    """Write a log: a time in front of every line, as they are fetched."""

    def write(job, lines, number=1700000001):
        path = tmp_path / LOGS / job / f"algo-1-{number}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"[2026-11-27T09:01:02.123+00:00] {line}\n" for line in lines))
        return path

    return write


@pytest.fixture
def parsed(here, tmp_path):
    """Run the command; the rows of its CSV, both tables' rows by (architecture, mode), and what it printed."""

    def run(*words, stem="psa_resmlp"):
        done = here("sagemaker.logs_parser", *words)
        with open(tmp_path / OUT / f"{stem}_trials_convergence.csv") as file:
            trials = list(csv.DictReader(file))
        tables = [table(tmp_path / OUT / f"{stem}_trials_{kind}.md") for kind in ("convergence", "lkg_growth")]
        return SimpleNamespace(trials=trials, convergence=tables[0], growth=tables[1], done=done)

    return run


def table(path):
    rows = [line.strip("| ").split(" | ") for line in path.read_text().splitlines() if line.startswith("| ")]
    return {(row[0], row[1]): row[2:] for row in rows}


def our_loop(meta_loop, trial, validation, bounty=None, mode="hidden"):
    """The line that psa-train prints; accuracies are percent."""
    bounty = validation if bounty is None else bounty
    hits = round(validation * IMAGES / 100), bounty == validation, round(bounty * IMAGES / 100)
    replica = Replica(TrainConfig(ablation_mode=mode), parse("18*18"), trial, 0)
    return panels.loop_line(replica, Loop(meta_loop, mode, 0.1234, 95.0, *hits, meta_loop, seconds=0.32), IMAGES)


def our_test(trial, accuracy):
    """The line that psa-train prints at a trial's end."""
    replica = Replica(TrainConfig(), parse("18*18"), trial, 0, before=(88, 9730, 88))
    return panels.test_line(replica, round(accuracy * IMAGES / 100), (IMAGES, IMAGES))


def loop(meta_loop, current, lkg, ending=" | Bounty: 99.99%"):
    """The published program's line, behind its clock; a narrow console breaks it before the bounty."""
    numbers = f"Loop {meta_loop}/100 (Global: {meta_loop})"
    return f"[18:39:19] INFO     {numbers} | Current: {current:.2f}% | LKG: {lkg:.2f}%{ending}"


def begin(trial):
    return f"│ Starting Run {trial} of 10                                       │"


def end(accuracy):
    return f"           INFO     🧪 Final Test Accuracy: {accuracy:.2f}%"


def curves(trials):
    """Trial -> {meta-loop: validation accuracy}."""
    found = {}
    for row in trials:
        found.setdefault(int(row["trial"]), {})[int(row["meta_loop"])] = float(row["validation_percent"])
    return found


def finals(trials):
    return {int(row["trial"]): row["test_percent"] for row in trials}


def test_our_lines(log, parsed, tmp_path):
    lines = [our_loop(1, 1, 90.0), our_loop(1, 2, 91.0), our_loop(2, 1, 92.5), our_loop(2, 2, 90.5, 91.0)]
    log(OURS, ["ResMLP [18*18]", *lines, our_loop(3, 1, 92.75), our_test(1, 96.5), our_test(2, 97.0)])
    found = parsed()
    assert found.convergence == {
        ("Architecture", "Mode"): ["Meta-Loop 1", "Meta-Loop 2", "Meta-Loop 3", "Final Test"],
        ("18*18", "hidden"): ["90.50", "91.50", "92.75", "96.75"],
    }
    assert found.growth["18*18", "hidden"] == ["0.00", "1.25", "0.25", "96.75"]
    assert [list(row.values()) for row in found.trials] == [
        ["resmlp", "18*18", "hidden", "1", "1", "90.0", "90.0", "0.0", "96.5"],
        ["resmlp", "18*18", "hidden", "1", "2", "92.5", "92.5", "2.5", "96.5"],
        ["resmlp", "18*18", "hidden", "1", "3", "92.75", "92.75", "0.25", "96.5"],
        ["resmlp", "18*18", "hidden", "2", "1", "91.0", "91.0", "0.0", "97.0"],
        ["resmlp", "18*18", "hidden", "2", "2", "90.5", "91.0", "0.0", "97.0"],
    ]
    names = [f"{OUT}/psa_resmlp_trials_{end}" for end in ("convergence.md", "lkg_growth.md", "convergence.csv")]
    counts = "1 jobs, 2 trials of 1 architectures and modes; 0 without a meta-loop"
    assert found.done.out == f"{counts}: written {', '.join(names)}\n"
    titles = [(tmp_path / name).read_text().splitlines()[0] for name in names[:2]]
    assert titles == [f"# Persistent stochastic ablation: {what} of ResMLP" for what in ("convergence", "LKG growth")]


def test_trials_of_the_published_program_stay_apart(log, parsed):
    first = [begin(1), loop(1, 90, 90), loop(2, 80, 90, ending=" |"), "Bounty: 90.00%", end(90.5)]
    log(PUBLISHED, [*first, begin(2), loop(1, 70, 70), loop(2, 75.5, 75.5), end(76.5)])
    found = parsed("--family", "mlp", stem="psa_simplemlp")
    assert curves(found.trials) == {1: {1: 90.0, 2: 80.0}, 2: {1: 70.0, 2: 75.5}}
    assert finals(found.trials) == {1: "90.5", 2: "76.5"}
    assert found.convergence["18*18", "hidden"] == ["80.00", "77.75", "83.50"]
    assert found.growth["18*18", "hidden"] == ["0.00", "2.75", "83.50"]
    assert {row["family"] for row in found.trials} == {"mlp"}


def test_trials_begin_without_their_first_line(log, parsed):
    ends_by_loop = [loop(1, 10, 10), loop(2, 20, 20), loop(1, 30, 30), loop(2, 40, 40)]
    log(PUBLISHED, [*ends_by_loop, end(41), loop(3, 50, 50), begin(7), loop(1, 60, 60)])
    found = parsed()
    assert curves(found.trials) == {1: {1: 10.0, 2: 20.0}, 2: {1: 30.0, 2: 40.0}, 3: {3: 50.0}, 7: {1: 60.0}}
    assert finals(found.trials) == {1: "", 2: "41.0", 3: "", 7: ""}
    assert [row["growth_percent"] for row in found.trials] == ["0.0", "10.0", "0.0", "10.0", "", "0.0"]
    assert found.growth["18*18", "hidden"] == ["0.00", "10.00", "N/A", "41.00"]


def test_a_restarted_job_of_the_published_program(log, parsed):
    # Streams in the order of their numbers, which is not that of their names.
    log(PUBLISHED, [begin(1), loop(1, 10, 10), end(11), begin(2), loop(1, 20, 20), loop(2, 30, 30)], number=999)
    log(PUBLISHED, [loop(2, 31, 31), loop(3, 40, 40)], number=1000)
    found = parsed()
    assert curves(found.trials) == {1: {1: 10.0}, 2: {1: 20.0, 2: 31.0, 3: 40.0}}
    log(PUBLISHED, [loop(1, 15, 15), end(16)], number=1001)
    found = parsed()
    assert curves(found.trials) == {1: {1: 15.0}, 2: {1: 20.0, 2: 31.0, 3: 40.0}}
    assert finals(found.trials) == {1: "16.0", 2: ""}


def test_attempts_of_ours_are_one_training(log, parsed):
    log(OURS, [our_loop(1, 1, 10), our_loop(2, 1, 20), our_test(1, 21)], number=1)
    log(OURS, [our_loop(2, 1, 22), our_loop(3, 1, 30)], number=2)
    found = parsed()
    assert curves(found.trials) == {1: {1: 10.0, 2: 22.0, 3: 30.0}}
    assert finals(found.trials) == {1: ""}  # the network that was tested is not the last one
    log(OURS.replace("-01", "-02"), [our_loop(3, 1, 33), our_loop(4, 1, 40), our_test(1, 41)], number=0)
    log(OURS.replace("-01", "-10"), ["starting"], number=3)
    found = parsed()
    assert curves(found.trials) == {1: {1: 10.0, 2: 22.0, 3: 33.0, 4: 40.0}}
    assert finals(found.trials) == {1: "41.0"}
    assert "3 jobs, 1 trials of 1 architectures and modes; 1 without a meta-loop" in found.done.out


def test_of_the_published_programs_jobs_the_latest_with_lines_counts(log, parsed):
    log(PUBLISHED, [loop(1, 10, 10), loop(2, 20, 20)])
    log(PUBLISHED.replace("2025", "2026"), [loop(1, 30, 30)])
    log(PUBLISHED.replace("2025", "2027"), ["starting"])
    found = parsed()
    assert curves(found.trials) == {1: {1: 30.0}}
    assert "3 jobs, 1 trials of 1 architectures and modes; 1 without a meta-loop" in found.done.out


def test_rows_are_in_the_studys_order(log, parsed):
    cells = [("1x1", "none"), ("7x9-2x3", "decay"), ("18x18", "output"), ("18x18", "none"), ("1x2048", "full")]
    for shape, mode in cells:
        log(f"psa-{shape}-{mode}-3f0c2a91-01", [our_loop(1, 1, 50, mode=mode)])
    rows = [*parsed().convergence][1:]
    assert rows == [("1*2048", "full"), ("18*18", "none"), ("18*18", "output"), ("1*1", "none"), ("7*9,2*3", "decay")]


def test_rubbish_and_torn_lines_are_passed_by(log, parsed):
    path = log(OURS, [our_loop(1, 1, 10), our_loop(1, 1, 99, mode="none"), our_loop(2, 1, 20), our_test(9, 50)])
    torn = our_loop(3, 1, 30).partition("%, kept")[0]
    path.write_bytes(b"\x00\xff\xfe Loop \x80\n" + path.read_bytes() + b"xx\xc3 " + torn.encode())
    (path.parent / "deeper").mkdir()
    (path.parent / "deeper/more.log").write_text(our_loop(1, 2, 30))
    (path.parent / "summary.json").write_text(our_loop(1, 3, 30))
    (path.parents[1] / "no-job").mkdir()
    (path.parents[1] / "no-job/a.log").write_text(our_loop(1, 4, 30))
    found = parsed()
    assert curves(found.trials) == {1: {1: 10.0, 2: 20.0}, 2: {1: 30.0}}
    assert found.convergence["18*18", "hidden"] == ["20.00", "20.00", "N/A"]
    assert found.done.out.startswith("1 jobs, 2 trials of 1 ")
    done = parsed("--quiet").done
    assert done.out == done.err == ""


def test_lines_that_end_too_early_give_what_they_have(log, parsed):
    log(PUBLISHED, [loop(1, 10, 10), loop(2, 20, 20, ending="")[:-4]])
    found = parsed()
    assert [row["lkg_percent"] for row in found.trials] == ["10.0", ""]
    assert found.growth["18*18", "hidden"] == ["0.00", "N/A", "N/A"]


def test_folders_without_what_is_needed(log, here, tmp_path):
    def message(*words):
        return here("sagemaker.logs_parser", *words, code=2).err

    assert message() == f"error: folder of logs {LOGS} does not exist; psa-sagemaker-get-training-logs makes it\n"
    (tmp_path / "empty/other").mkdir(parents=True)
    assert message("--logs-dir", "empty").startswith("error: folder of logs empty has no folder of a job;")
    log(OURS, ["starting", our_test(1, 50)])
    assert "no log of the 1 jobs" in message()
    assert not list((tmp_path / OUT).glob("*.md"))
    log(PUBLISHED, [loop(1, 10, 10)])
    assert "several studies (the published program's and 3f0c2a91)" in message()
    assert "not one of resmlp, mlp" in message("--family", "cnn")


def test_a_folder_that_cannot_be_written(log, here, tmp_path):
    log(OURS, [our_loop(1, 1, 50)])
    (tmp_path / "file").touch()
    done = here("sagemaker.logs_parser", "--output-dir", "file", code=1)
    assert done.err == "error: File exists (file)\n"


def test_as_a_process_and_without_boto3(log, command, tmp_path):
    log(OURS, [our_loop(1, 1, 50)])
    assert "1 jobs, 1 trials" in command("sagemaker.logs_parser").out
    code = (
        "import sys; sys.modules.update(boto3=None, botocore=None, dotenv=None, torch=None, pandas=None)\n"
        "from psa_resmlp.sagemaker.logs_parser import main; sys.exit(main(['--output-dir', 'other']))"
    )
    words = {"cwd": tmp_path, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", code], **words, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "other").iterdir())) == 3
