"""Train in child processes that are killed at their 1st, 2nd, .. file operation, and each time to the end once more.

    python killed_at_every_step.py aanntwin-words...

prints a JSON list with an entry for each kill: what the second start left. The last one was not killed.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from aanntwin.main import main

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def kill_at(number):
    """End this process, as SIGKILL does, before its `number`-th change of a file below the current folder."""
    here, count = os.getcwd(), 0

    def hook(event, args):
        nonlocal count
        if event not in EVENTS or not isinstance(args[0], (str, os.PathLike)):
            return
        if not os.path.abspath(args[0]).startswith(here) or (event == "open" and not args[2] & WRITES):
            return
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def in_child(words, number=0):
    """The exit code of a training in a child, negative for a signal."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        if number:
            kill_at(number)
        os._exit(main(words))


def left():
    """What the end of a training is compared by."""
    lines = Path("run/metrics.csv").read_text().splitlines()
    rows = [line.split(",")[:4] for line in lines]
    return {
        "weights": Path("w.safetensors").read_bytes().hex(),
        "metrics": rows,
        "status": json.loads(Path("run/run_meta.json").read_text())["status"],
    }


def run(words):
    """Every kill and what came after it."""
    ends, code = [], -signal.SIGKILL
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        main(words)  # imports, compiles and loads the images once for all children
    while code == -signal.SIGKILL:
        for folder in ("run", "cache"):
            shutil.rmtree(folder)
        Path("w.safetensors").unlink()
        code = in_child(words, len(ends) + 1)
        ends.append({"again": in_child(words) if code else code, **left()})
    return ends


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1:])))
