"""Answers each command's --help and a wrong option in a fork of a process that has loaded nothing.

python probe.py module:function...    prints a line of JSON for each: {"help": [code, out, err], "wrong": the same,
                                      "seconds": of --help, "loaded": [top-level modules]}
"""

import contextlib
import importlib
import io
import json
import os
import sys
import time
import traceback


def main() -> None:
    for target in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            try:
                print(json.dumps(answers(target)), flush=True)
            except BaseException:  # noqa: BLE001 - a fork must not go on as its parent would
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            sys.exit(f"{target}: died")


def answers(target: str) -> dict[str, object]:
    begun = time.perf_counter()
    module, _, function = target.partition(":")
    command = getattr(importlib.import_module(module), function)
    found: dict[str, object] = {"help": call(command, "--help"), "seconds": time.perf_counter() - begun}
    found["wrong"] = call(command, "--no-such-option")
    return {**found, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}


def call(command, word: str) -> tuple[object, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = command([word])
        except SystemExit as stop:
            code = stop.code
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    main()
