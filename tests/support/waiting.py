"""Waiting for what processes do, with limits that stand a loaded machine.

A limit ends what hangs; it measures nothing. So it is generous, and it is worked out when it is reached: it grows with
the load that the machine has then, and with $NONIDEAL_TEST_PATIENCE (2: twice as long).
"""

import os
import subprocess
import time
from collections.abc import Callable
from typing import Any, NoReturn

LIMIT_S = 120.0


def stretched(seconds: float) -> float:
    """How long something may take now that takes at most `seconds` on a machine with nothing else to do."""
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * max(1.0, 2 * crowd) * float(os.environ.get("NONIDEAL_TEST_PATIENCE", "1"))


def wait_until(condition: Callable[[], Any], *processes: subprocess.Popen[str]) -> Any:
    """Wait until the condition holds, and return what it gave.

    Args:
        condition: asked again and again.
        processes: those that make it true. The test fails when one of them ends before, and when the limit is reached;
            what they have printed is shown then.
    """
    begun = time.monotonic()
    while not (found := condition()):
        ended = [process for process in processes if process.poll() is not None]
        if ended and not condition():
            _give_up(f"a process ended with {ended[0].returncode} before it happened", *processes)
        if time.monotonic() - begun > stretched(LIMIT_S):
            _give_up(f"it did not happen in {time.monotonic() - begun:.0f} s", *processes)
        time.sleep(0.005)  # some look for a moment in a training whose epochs are as short
    return found


def finish(process: subprocess.Popen[str], code: int | None = None) -> tuple[str, str]:
    """What a process has printed to its pipes until its end; checks its exit code if one is given."""
    begun, rest = time.monotonic(), LIMIT_S
    while True:
        try:
            out, err = process.communicate(timeout=rest)
            break
        except subprocess.TimeoutExpired:
            rest = stretched(LIMIT_S) - (time.monotonic() - begun)
            if rest <= 0:
                _give_up(f"it did not end in {time.monotonic() - begun:.0f} s", process)
    assert code is None or process.returncode == code, f"exit code {process.returncode}\n{err}{out}"
    return out, err


def _give_up(reason: str, *processes: subprocess.Popen[str]) -> NoReturn:
    lines = [f"{reason}; the load is {os.getloadavg()[0]:.1f}"]
    for process in processes:
        process.kill()
        try:
            said = process.communicate(timeout=5)
        except subprocess.TimeoutExpired as late:  # a child of it holds the pipes
            said = (late.stdout, late.stderr)
        texts = [text.decode(errors="replace") if isinstance(text, bytes) else text or "" for text in said]
        lines += [f"--- {process.args}, exit code {process.poll()}", *(text[-3000:] for text in texts)]
    raise AssertionError("\n".join(lines))
