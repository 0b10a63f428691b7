"""Run a command, or a run of a sweep, that stops itself: what `make_fixtures.sh` begins and does not finish.

    python stop_after.py ROWS SIGNAL MODULE [WORD ...]          a command, e.g. 6 TERM analog_nmos.dense_trainer 0
    python stop_after.py ROWS SIGNAL --sweep FOLDER INDEX       one run of a sweep's folder, as a worker does it

The signal comes with the ROWS-th row of metrics.csv. TERM lets the epoch end; KILL leaves the row without its
checkpoint. A KILL of a sweep's run leaves BEGUN in its folder.
"""

import importlib
import json
import os
import signal
import sys
from pathlib import Path

from common.runs import Run


def main(words):
    rows, number = int(words[0]), signal.Signals[f"SIG{words[1]}"]
    _arm(rows, number)
    if words[2] != "--sweep":
        return importlib.import_module(words[2]).main(words[3:])
    from common.sweeps.spec import read_specs

    from common.sweeps.worker import Task, run_task

    folder = Path(words[3]).resolve()
    spec = next(spec for spec in read_specs(folder) if spec.index == int(words[4]))
    function = json.loads((folder / "manifest.json").read_text())["function"]
    lists = not function.startswith(("magnetoionic", "aanntwin"))
    ended = run_task(Task("begun", str(folder), function, lists, (spec,)), lambda _: None)
    return 0 if [one.status for one in ended] == ["interrupted"] else 1


def _arm(rows, number):
    written, kept = [0], Run.metrics

    def metrics(self, row):
        kept(self, row)
        written[0] += 1
        if written[0] == rows:
            os.kill(os.getpid(), number)

    Run.metrics = metrics


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
