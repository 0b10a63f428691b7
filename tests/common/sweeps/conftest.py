"""Sweeps as processes: what they leave is compared with that of an undisturbed one."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for demo_sweep, also in the processes that multiprocessing starts

from sweep_helpers import environment, rows  # noqa: E402
from waiting import finish  # noqa: E402


@pytest.fixture
def start():
    """Start a module as a process with a session of its own, as a shell starts a job; what still runs is killed."""
    running = []

    def run(*words, module="demo_sweep", preexec=None, **more):
        process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words)],
            env=environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=preexec,
        )
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def sweep(start):
    """Run demo_sweep to its end; checks its exit code, and returns stdout and stderr."""

    def run(folder, *words, code=0, **more):
        return finish(start("--sweep-dir", folder, *words, **more), code)

    return run


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """results.csv without seconds of a sweep that nothing happened to."""
    folder = tmp_path_factory.mktemp("undisturbed")
    words = [sys.executable, "-m", "demo_sweep", "--sweep-dir", str(folder), "--quiet"]
    finish(subprocess.Popen(words, env=environment()), code=0)
    return rows(folder)
