"""The generated commands, and the script run for real with a stand-in for the trainer."""

import os
import shlex
import signal
import subprocess

import pytest
from waiting import finish, wait_until

# Writes its arguments down and leaves a checkpoint; what it does besides is the test's.
TRAINER = """\
#!/usr/bin/env bash
printf '%s\\n' "$*" >>calls
while (($#)); do
  case $1 in
    --model-dir) folder=$2 ;;
    --ablation-mode) mode=$2 ;;
  esac
  shift
done
{action}
touch "$folder/mnist_lkg.safetensors"
"""


@pytest.fixture
def work(tmp_path, here):
    """Generates the script for two architectures and three modes, and starts it with a trainer."""
    (tmp_path / "two.txt").write_text("2*2\n[1*4, 2*8]\n")

    def generate(*words):
        here("generate_reproduction_tests", "--config-file", "two.txt", "--modes", "none,full,output", *words)

    def start(action=":", **options):
        trainer = tmp_path / "trainer"
        trainer.write_text(TRAINER.replace("{action}", action))
        trainer.chmod(0o755)
        environment = {**os.environ, "PSA_TRAIN": "./trainer"}
        return subprocess.Popen(
            ["./run_reproduction.sh"], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
        )  # fmt: skip

    def run(action=":", code=0):
        process = start(action)
        out, err = finish(process, code)
        return out, err

    def calls():
        path = tmp_path / "calls"
        return path.read_text().splitlines() if path.exists() else []

    generate()
    work.generate, work.start, work.run, work.calls, work.folder = generate, start, run, calls, tmp_path
    return work


FOLDERS = ["2x2_none", "2x2_full", "2x2_output", "1x4-2x8_none", "1x4-2x8_full", "1x4-2x8_output"]


def test_588_commands(here, tmp_path):
    lines = here("generate_reproduction_tests").out.splitlines()
    commands = [line for line in lines if not line.startswith("#")]
    assert len(commands) == len(set(commands)) == 588
    assert shlex.split(commands[0]) == [
        "psa-train", "--arch", "[1*2048]", "--ablation-mode", "none", "--model-dir", "models/1x2048_none/",
        "--meta-loops", "100", "--until-loop", "100",
    ]  # fmt: skip
    assert "models/2x1_output/" in commands[-1]
    assert lines[-1].startswith("# run_reproduction.sh runs these 588")
    script = tmp_path / "run_reproduction.sh"
    assert os.access(script, os.X_OK)
    assert sum(line.startswith("one ") for line in script.read_text().splitlines()) == 588
    subprocess.run(["bash", "-n", script], check=True)


def test_the_script_trains_everything_once(work):
    out, _ = work.run()
    assert out.splitlines()[-1] == "6 trained, 0 done before, 0 failed"
    assert [call.split("--model-dir ")[1].split("/")[1] for call in work.calls()] == FOLDERS
    assert work.calls()[3] == (
        "--arch [1*4, 2*8] --ablation-mode none --model-dir models/1x4-2x8_none/ --trials 1 "
        "--meta-loops 100 --until-loop 100"
    )
    out, _ = work.run()
    assert out.splitlines() == ["0 trained, 6 done before, 0 failed"]
    assert len(work.calls()) == 6


def test_more_loops_or_a_removed_model_are_trained_again(work):
    work.run()
    (work.folder / "models/2x2_full/mnist_lkg.safetensors").unlink()
    assert work.run()[0].splitlines()[-1] == "1 trained, 5 done before, 0 failed"
    work.generate("--meta-loops", "150")
    assert work.run()[0].splitlines()[-1] == "6 trained, 0 done before, 0 failed"


def test_options_and_folders_with_blanks_reach_the_trainer(work):
    work.generate("--models", "my models", "--trials", "3", "--train-options", "--dataset digits --data-root 'a b'")
    work.run()
    assert work.calls()[0].endswith(
        "--model-dir my models/2x2_none/ --trials 3 --meta-loops 100 --until-loop 100 --dataset digits --data-root a b"
    )
    assert (work.folder / "my models/2x2_none/reproduced-100x3.done").is_file()


def test_a_failure_is_named_and_the_others_go_on(work):
    out, err = work.run("[[ $mode != full ]] || exit 1", code=1)
    assert out.splitlines()[-1] == "4 trained, 0 done before, 2 failed: 2x2_full 1x4-2x8_full"
    assert "2x2_full: failed with exit code 1" in err
    assert work.run()[0].splitlines()[-1] == "2 trained, 4 done before, 0 failed"


def test_wrong_options_stop_it_at_once(work):
    _, err = work.run("echo 'error: no such option' >&2; exit 2", code=2)
    assert "2x2_none: psa-train could not start" in err
    assert len(work.calls()) == 1


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "TERM"), (signal.SIGINT, "INT")])
def test_a_signal_reaches_the_trainer_and_ends_the_script(work, number, name):
    action = (
        f"trap 'echo saved >>calls; exit {128 + number}' {name}; touch ready; for i in {{1..200}}; do sleep .05; done"
    )
    process = work.start(action, start_new_session=True)
    wait_until((work.folder / "ready").exists)
    process.send_signal(number)
    _, err = finish(process, 128 + number)
    assert err.splitlines()[-1] == "stopped (signal): 0 trained, 0 done before; start again to go on"
    assert work.calls()[1:] == ["saved"]  # it had its time, and the next was not started
    assert work.run()[0].splitlines()[-1] == "6 trained, 0 done before, 0 failed"


def test_a_killed_trainer_ends_the_script(work):
    _, err = work.run("kill -KILL $$", code=137)
    assert "ended by a signal" in err
    assert len(work.calls()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--meta-loops", "0"], "argument --meta-loops: 0 is out of range; it must be at least 1"),
        (["--trials", "-1"], "argument --trials: -1 is out of range"),
        (["--modes", "none,half"], "is not one of none, decay, dropout, full, hidden, output"),
        (["--modes", "none,none"], "twice"),
        (["--train-options", "'"], "cannot be read as shell words"),
        (["--models", ""], "is no folder"),
        (["--config-file", "none.txt"], "no such file"),
    ],
)
def test_wrong_input_writes_nothing(here, tmp_path, words, message):
    assert message in here("generate_reproduction_tests", *words, code=2).err
    assert not (tmp_path / "run_reproduction.sh").exists()
