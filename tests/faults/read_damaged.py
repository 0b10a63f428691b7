"""Read damaged files in a process of its own, which may use little memory and time, and report what went wrong.

    python read_damaged.py FOLDER FIRST_SEED COUNT FORMAT...

Prints a line of JSON before each format ({"format": ...}) and for each failure ({"format", "seed", "problem"}); the
last line is {"done": ...}. FOLDER is empty; a failure's file is left there as <format>-<seed>.
"""

import faulthandler
import json
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

from formats import FORMATS, Format
from mutate import mutate

from common.errors import InputError, RunError

SECONDS = 10
MEMORY = 1 << 30  # beyond what the process has when the first damaged file is read


class TooLong(BaseException):
    """A reading has gone on for too long; no reader may catch this as a fault of the file."""


def main() -> None:
    folder, first, count, *names = sys.argv[1:]
    signal.signal(signal.SIGALRM, _alarm)
    for name in names:
        print(json.dumps({"format": name}), flush=True)
        for problem in failures(FORMATS[name], Path(folder), range(int(first), int(first) + int(count))):
            print(json.dumps({"format": name, **problem}), flush=True)
    print(json.dumps({"done": len(names)}), flush=True)


def failures(one: Format, folder: Path, seeds: range):
    """What should not have happened, as {"seed", "problem"}; seed None stands for the file before any damage."""
    place = folder / "".join(letter if letter.isalnum() else "_" for letter in one.name)
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most, most))  # for packages that this format is the first to load
    try:
        place.mkdir()
        path = one.make(place)
        one.read(path)
    except Exception:  # noqa: BLE001 - it is reported
        yield {"seed": None, "problem": traceback.format_exc()}
        return
    good = {file: file.read_bytes() for file in place.rglob("*") if file.is_file()}
    resource.setrlimit(resource.RLIMIT_AS, (_memory() + MEMORY, most))
    for seed in seeds:
        for file, content in good.items():  # what reading has changed or added
            file.write_bytes(content)
        damaged = mutate(good[path], seed)
        path.write_bytes(damaged)
        if problem := _problem(one, path):
            (folder / f"{place.name}-{seed}").write_bytes(damaged)
            yield {"seed": seed, "problem": problem}


def _problem(one: Format, path: Path) -> str:
    start = time.monotonic()
    faulthandler.dump_traceback_later(2 * SECONDS, exit=True)  # for a loop outside Python
    signal.alarm(SECONDS)
    try:
        one.read(path)
    except (InputError, RunError) as problem:
        text = str(problem)
        if "\n" in text or len(text) > 1500:
            return f"a message of {len(text)} characters, {text.count(chr(10))} line ends: {text[:300]!r}"
    except TooLong:
        return f"no end after {time.monotonic() - start:.0f} s"
    except BaseException:  # noqa: BLE001 - SystemExit too
        return traceback.format_exc()
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
    return ""


def _alarm(*_: object) -> None:
    raise TooLong


def _memory() -> int:
    """Address space of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main()
