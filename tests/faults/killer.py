"""Starts a command again and again in forks of one process, which has loaded its modules; kills it where a start says.

    python killer.py MODULE [PRELOAD...]    then on stdin a JSON line a start, and on stdout [exit code, operations]

A start has `words` (the command line), `folder` (where it runs; what it prints goes to out.txt there), and `operation`:
it kills itself, and all that it has started, with SIGKILL before it changes the file system below its folder for the
operation-th time (0: never); `after_s` kills it after so many seconds instead. Changes that other processes make for
it are not counted.
"""

import importlib
import json
import mmap
import os
import signal
import sys
import threading
import traceback

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main():
    module = importlib.import_module(sys.argv[1])
    for name in sys.argv[2:]:
        importlib.import_module(name)
    print("ready", flush=True)
    for line in sys.stdin:
        start, count = json.loads(line), mmap.mmap(-1, 8)
        child = os.fork()
        if child == 0:
            run(module, count, **start)
        status = os.waitpid(child, 0)[1]
        print(json.dumps([os.waitstatus_to_exitcode(status), int.from_bytes(count[:], "little")]), flush=True)


def run(module, count, words, folder, operation, after_s):
    """The child: never returns."""
    code = 70
    try:
        os.setsid()  # so that a kill of the group reaches workers too, and nobody else
        os.chdir(folder)
        out = os.open("out.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.argv = [module.__name__, *words]
        if after_s:
            threading.Timer(after_s, os.killpg, (0, signal.SIGKILL)).start()
        sys.addaudithook(counting(os.getcwd(), operation, count))
        code = module.main(list(words))
    except SystemExit as stop:
        code = stop.code
    except BaseException:  # noqa: BLE001 - a fork must not go on as its parent would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def counting(root, operation, count):
    """A hook that kills the process group before the operation-th change of the file system below `root`."""
    launcher, done = os.getpid(), [0]

    def hook(event, arguments):
        changes = arguments[2] & WRITING if event == "open" else event in CHANGES
        if changes and os.getpid() == launcher and below(root, arguments[0]):
            done[0] += 1
            count[:] = done[0].to_bytes(8, "little")
            if done[0] == operation:
                os.killpg(0, signal.SIGKILL)

    return hook


def below(root, path):
    """Whether a path, or what an open file is called, is in the folder."""
    if isinstance(path, int):
        path = os.readlink(f"/proc/self/fd/{path}")
    return os.path.abspath(os.fsdecode(path)).startswith(root + os.sep)


if __name__ == "__main__":
    main()
