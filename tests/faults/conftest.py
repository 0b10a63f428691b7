"""A server of starts and kills for each suite."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for faults_suites
KILLER = Path(__file__).with_name("killer.py")
ROOT = Path(__file__).parents[2]


class Server:
    """Starts a suite's command in forks of a process that has loaded it."""

    def __init__(self, suite):
        environment = {name: value for name, value in os.environ.items() if name not in ("RUN_DIR", "NONIDEAL_GRACE_S")}
        self._process = subprocess.Popen(
            [sys.executable, os.fspath(KILLER), suite.module, *suite.preload],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**environment, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"

    def start(self, words, folder, operation=0, after_s=0.0):
        """Run the command to its end or its kill; its exit code (-9: killed), and how often it changed the disk."""
        request = {"words": list(words), "folder": os.fspath(folder), "operation": operation, "after_s": after_s}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def server():
    """The server of a suite, started once."""
    made = {}

    def serve(suite):
        if suite.module not in made:
            made[suite.module] = Server(suite)
        return made[suite.module]

    yield serve
    for each in made.values():
        each.close()
