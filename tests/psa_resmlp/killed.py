"""Ends psa-train by SIGKILL at its n-th file operation, many times, without starting Python anew for each.

    python killed.py < requests > answers

A request is a line of JSON: {"words": [...], "at": n} runs psa-train with these words and kills it just before its n-th
operation that changes a file below the current folder (0: never). The answer is a line of JSON: {"code": the exit code
or minus the signal, "operations": how many there were (None if killed), "err": what was printed to stderr}.
"""

import contextlib
import io
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _count(at):
    """Count the operations from now on, and kill this process before number `at`."""
    here, seen = os.getcwd(), [0]

    def hook(event, arguments):
        if event == "open":
            path, mode, flags = arguments
            if not (set(mode) & set("wax+") if isinstance(mode, str) else flags & WRITES):
                return
        elif event in CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, (str, bytes, os.PathLike)) and os.path.abspath(os.fsdecode(path)).startswith(here + "/"):
            seen[0] += 1
            if seen[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    return seen


def _child(words, at, answer):
    from psa_resmlp.train import main

    err = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(err):
        seen = _count(at)
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code
        operations = seen[0]
    Path(answer).write_text(json.dumps({"code": code, "operations": operations, "err": err.getvalue()}))


def _run(words, at):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            _child(words, at, f"/dev/fd/{writing}")
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with open(reading) as stream:
        answer = stream.read()
    _, status = os.waitpid(child, 0)
    if answer:
        return json.loads(answer)
    return {"code": os.waitstatus_to_exitcode(status), "operations": None, "err": ""}


def main():
    """Load and compile what takes seconds by a training of one meta-loop, then answer requests in copies of this."""
    from psa_resmlp.train import main as train

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        places = ["--run-dir", f"{folder}/run", "--model-dir", f"{folder}/models"]
        train(["--arch", "[1*4]", "--dataset", "digits", "--threads", "1", "--meta-loops", "1", *places])
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(_run(request["words"], request["at"])), flush=True)


if __name__ == "__main__":
    main()
