"""Progress in a log and on a terminal."""

import os
import pty
import subprocess
import sys
import time

from waiting import finish

from common import progress
from common.progress import Progress


def test_a_log_gets_a_plain_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.05)
    with Progress(100) as bar:
        bar.describe("epoch 1")
        bar.advance(20)
        time.sleep(0.06)
        bar.advance(20)
        bar.echo("epoch 1: done")
    out, err = capsys.readouterr()
    first, second = out.splitlines()
    assert first.startswith("epoch 1 40/100 (0:00:00 left)")
    assert second == "epoch 1: done"
    assert err == ""


def test_quiet_shows_nothing(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.0)
    with Progress(10, quiet=True) as bar:
        bar.advance(5)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_with_the_text_and_the_time_left():
    program = """
import time
from common.progress import Progress
with Progress(20) as bar:
    bar.describe("epoch 7 acc 0.9000")
    for _ in range(12):
        time.sleep(0.05)
        bar.advance()
    bar.echo("epoch 7: [not markup] done")
"""
    main, side = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    child = subprocess.Popen([sys.executable, "-c", program], stdout=side, stderr=side, env=environment)
    os.close(side)
    shown = b""
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:  # the terminal is gone with the child
            break
        if not part:
            break
        shown += part
    finish(child, code=0)
    os.close(main)
    text = shown.decode(errors="replace")
    assert "epoch 7 acc 0.9000" in text
    assert "0:00:0" in text
    assert "%" in text
    assert "epoch 7: [not markup] done" in text


def test_units_of_an_earlier_start_say_nothing_about_the_time_left(monkeypatch):
    clock = iter([0.0, 10.0, 10.0])
    monkeypatch.setattr("common.progress.time.monotonic", lambda: next(clock))
    progress = Progress(100)
    progress.skip(80)
    progress._done += 10
    assert progress._left(10.0) == "0:00:10"
    assert progress.done == 90
