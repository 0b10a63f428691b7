"""The recipes of docs/extending.md: their files and commands, as they stand there."""

import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import finish, wait_until

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """One section of the page.

    Attributes:
        files: by name, what they hold.
        commands: the lines of its shell blocks, in their order.
        folder: where the files lie and commands run: outside the repository.
    """

    files: dict[str, str]
    commands: list[str]
    folder: Path

    def run(self, line, code=0):
        """Run a command to its end as a user's shell would, and return what it printed."""
        return "".join(finish(self.start(line), code))

    def start(self, line):
        """Start a command; its first word is a command of ours or `python`."""
        first, *words = shlex.split(line)
        known = [sys.executable] if first == "python" else [sys.executable, Path(__file__).with_name("call.py"), first]
        return subprocess.Popen(
            [*known, *words],
            cwd=self.folder,
            env={**{k: v for k, v in os.environ.items() if k != "RUN_DIR"}, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interrupt(self, line, run_dir, rows):
        """Start a command, press Ctrl-C once its metrics.csv has so many rows, and wait for its end."""
        process, file = self.start(line), self.folder / run_dir / "metrics.csv"
        wait_until(lambda: file.exists() and len(file.read_text().splitlines()) > rows, process)
        process.send_signal(signal.SIGINT)
        return "".join(finish(process, 130))


@pytest.fixture
def recipe(tmp_path):
    """The recipe under a heading of docs/extending.md, its files written into the temporary folder."""
    return lambda title: _recipe(title, tmp_path)


def _recipe(title, folder):
    text = (ROOT / "docs" / "extending.md").read_text()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    blocks = _BLOCK.findall(sections[title])
    files = {name: content for kind, name, content in blocks if kind == "python" and name}
    commands = [
        line.partition("  #")[0].strip()
        for kind, _, content in blocks
        if kind == "bash"
        for line in content.replace("\\\n", " ").splitlines()
        if line.strip()
    ]
    assert files, f"docs/extending.md: no file under {title!r}"
    assert commands, f"docs/extending.md: no command under {title!r}"
    for name, content in files.items():
        (folder / name).write_text(content)
    return Recipe(files, commands, folder)
